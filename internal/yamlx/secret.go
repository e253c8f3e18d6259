package yamlx

import (
	"fmt"
	"io"
	"log/slog"
)

// hidden is what is shown in place of a Secret.
const hidden = "[hidden]"

// A Secret is a text that is not shown: printed, logged or encoded, whole or as a part of something, it is "[hidden]",
// or nothing if it is empty. Only Reveal gives it. The zero value is empty.
type Secret struct {
	text *string // behind a pointer, since package fmt looks into unexported fields without asking their methods
}

// NewSecret makes a secret of text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{text: &text}
}

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether the secret is empty.
func (s Secret) IsZero() bool { return s.text == nil }

// Equal reports whether two secrets are the same text.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// String implements fmt.Stringer.
func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format implements fmt.Formatter: every verb shows what String returns.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements encoding.TextMarshaler, and so hides the secret in JSON and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = NewSecret(string(text))
	return nil
}
