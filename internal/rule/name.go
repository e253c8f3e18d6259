package rule

import "regexp"

var fileName = regexp.MustCompile(`^[A-Za-z0-9_]+\.ya?ml$`)

// IsFileName reports whether a file of this base name is a rule file. Everything else in a rule directory
// (editor backups, hidden files, swap files, READMEs) is neither read nor mentioned.
func IsFileName(base string) bool { return fileName.MatchString(base) }
