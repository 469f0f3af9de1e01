package api

import "fmt"

// Lang is the language of the notes beside the calls. It is a pflag.Value.
type Lang string

const (
	English Lang = "en"
	Chinese Lang = "zh"
)

// String returns the language's code.
func (l *Lang) String() string { return string(*l) }

// Set sets the language by its code.
func (l *Lang) Set(code string) error {
	switch v := Lang(code); v {
	case English, Chinese:
		*l = v
		return nil
	}
	return fmt.Errorf("no such language; choose %s or %s", English, Chinese)
}

// Type is the word for the value in a flag's help.
func (l *Lang) Type() string { return "en|zh" }

// text is a note in both languages.
type text struct{ en, zh string }

// tr returns a note.
func tr(en, zh string) text { return text{en, zh} }

// in is the note in one language.
func (t text) in(l Lang) string {
	if l == Chinese {
		return t.zh
	}
	return t.en
}
