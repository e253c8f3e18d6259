// Command chaos runs three workers on three brokers under load, does to them what happens in production, and says
// whether every event was tagged exactly once, in order and as it should be: see docs/reliability.md.
package main
