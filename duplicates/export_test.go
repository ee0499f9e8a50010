package duplicates

// What is tried by itself.
var (
	FoldName    = foldName
	FoldCompany = foldCompany
	JaroWinkler = jaroWinkler
	Alike       = alike
	Sound       = sound
)
