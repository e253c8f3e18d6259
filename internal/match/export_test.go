package match

// CheckIndexAgainstReference is for tests outside of the package, which can read rules.
var CheckIndexAgainstReference = checkIndexAgainstReference

// Events is how many generated payloads indexes are held against.
func Events() int { return *events }

// ContainsAny is for the test of Literals.
var ContainsAny = containsAny

// CheckPatternsAgainstRegexp is as CheckIndexAgainstReference.
var CheckPatternsAgainstRegexp = checkPatternsAgainstRegexp
