// Package app puts the worker together: its configuration and the fx graph. It is the only home of fx; components
// know nothing of it. One file per module; the list in Options reads like the flow.
package app
