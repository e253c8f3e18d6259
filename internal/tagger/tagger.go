package tagger

// A Tagger derives tags from events of the kinds it claims. It is safe for concurrent use.
type Tagger interface {
	// Name says which tagger it is, in log lines and metrics: a fixed lower-case word.
	Name() string
	// Kinds lists the source kinds it claims. It is asked once. A tagger of no kinds is never called.
	Kinds() []string
	// AppendTags extends dst with the tags of ev and returns it, like append; on error it returns dst as it
	// was. It neither keeps nor changes ev.
	AppendTags(dst []Tag, ev *TaggerEvent) ([]Tag, error)
}
