// Package fleet runs workers as what they are in production: processes, each with a name that stays, started again
// when they end by themselves. What it knows of them it asks them over their admin port.
package fleet
