// Package deadletter reads the dead letter topic and brings its records back to where they came from, for the
// operators' commands. How a letter is written is consume's business.
//
// A replay is in transactions: the records, and in the dead letter topic itself a mark that names their letters. So a
// letter is replayed once, however often a replay is killed and begun anew, and the marks live as long as the letters.
// Replaying one twice would be harmless for tags (I2), but not for others who read the events.
package deadletter
