package api

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"
)

// choice is a flag that is one of a few words; each stands for a part of a script
// that goes on with a socket. It is a pflag.Value.
type choice struct {
	words []string
	parts map[string]func(*story, int)
	word  string
}

// newChoice adds the flag to f. The first of the words is the default.
func newChoice(f *pflag.FlagSet, name, usage string, parts map[string]func(*story, int), words ...string) *choice {
	c := &choice{words: words, parts: parts, word: words[0]}
	f.Var(c, name, usage)
	return c
}

// run goes on with the socket as the word says.
func (c *choice) run(s *story, fd int) { c.parts[c.word](s, fd) }

func (c *choice) String() string { return c.word }

func (c *choice) Set(word string) error {
	if c.parts[word] == nil {
		return fmt.Errorf("no such way; choose one of %s", strings.Join(c.words, ", "))
	}
	c.word = word
	return nil
}

func (c *choice) Type() string { return strings.Join(c.words, "|") }
