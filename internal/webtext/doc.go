// Package webtext undoes the ways in which attackers hide text in HTTP requests. What a rule is to see is what a web
// application, its database or its shell would see: Decode undoes encodings, Plain what separates words without showing,
// Shell what a shell takes away before it runs a word, and Base64 what only some applications undo.
//
// The functions are pure, take time in proportion to the text, know no wrong input, and append to a buffer of the
// caller, which the text must not overlap. What they append is valid UTF-8 if the text is.
package webtext
