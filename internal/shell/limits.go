package shell

const (
	// maxBytes bounds what is written for one text, in bytes: twice the longest argument that Linux passes to a program
	// (128 KiB), which a line with an encoded program in it comes close to. What is behind that is not looked at.
	maxBytes = 256 << 10
	// maxGrowth bounds the same by the length of the text, and minBytes says how much any text may have: a program that is
	// run three texts deep is copied six times, and a variable that is used over and over makes much of little.
	maxGrowth = 8
	minBytes  = 4 << 10
	// maxCommands bounds each of the lists of Commands: more than any script that is typed or pasted has, few enough
	// for the lists not to dwarf the event that they are added to.
	maxCommands = 1024
	// maxDepth bounds how deep substitutions nest in each other, and texts that are run by others (sh -c, eval, what is
	// decoded). Attackers nest two or three; each level can copy the text once more, which keeps the work linear.
	maxDepth = 8
	// maxGroups bounds how deep groups, { } and ( ), and ${a:-${b:-c}} nest: it bounds the stack.
	maxGroups = 64
	// maxLevels bounds the wrappers of one command that are told one by one. What is under all of them is always told.
	maxLevels = 8
	// maxTexts bounds the texts that are run by others.
	maxTexts = 256
	// maxTries bounds how often a text is read because a double quote in it has no end, and so is taken for none.
	maxTries = 3
	// maxVariables and maxValue (in bytes) bound what is remembered of assignments: it is copied wherever it is used.
	maxVariables = 32
	maxValue     = 4096
	// maxName bounds the name of a variable, in bytes, as it is looked for again and again.
	maxName = 128
	// maxChoices bounds the commands of a group that are told as part of the pipeline that the group is in.
	maxChoices = 8
	// maxBraces and maxBraced (in bytes) bound a brace list that stands in a word: each of its items repeats the word.
	maxBraces = 32
	maxBraced = 4096
	// maxHere bounds the here documents of a text: each is looked for behind its line.
	maxHere = 16
	// maxRaw bounds how far, in bytes, the end of an arithmetic expression or of a pattern in ${} is looked for.
	maxRaw = 128
	// maxRounds bounds how often printf goes over its format.
	maxRounds = 16
)
