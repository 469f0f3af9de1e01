package shell

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"

	"github.com/spf13/pflag"
)

// grepping is one call of grep.
type grepping struct {
	*call
	pattern                                     *regexp.Regexp
	invert, number, count, quiet, fixed, folded bool
	recursive                                   bool
	named                                       bool // each line with its file's name
	found                                       bool
}

// grep prints the lines that match a pattern: a regular expression of Go's, which is
// close to that of grep -E.
func grep(c *call) error {
	g := &grepping{call: c}
	err := c.flags(func(f *pflag.FlagSet) {
		f.BoolVarP(&g.invert, "invert-match", "v", false, "")
		f.BoolVarP(&g.number, "line-number", "n", false, "")
		f.BoolVarP(&g.count, "count", "c", false, "")
		f.BoolVarP(&g.quiet, "quiet", "q", false, "")
		f.BoolVarP(&g.fixed, "fixed-strings", "F", false, "")
		f.BoolVarP(&g.folded, "ignore-case", "i", false, "")
		f.BoolVarP(&g.recursive, "recursive", "r", false, "")
		f.BoolP("extended-regexp", "E", true, "") // it always is
	})
	if err != nil {
		return err
	}
	if len(c.args) == 0 {
		return errors.New("which pattern? grep PATTERN [FILE...]")
	}
	if err := g.compile(c.args[0]); err != nil {
		return err
	}
	files := c.args[1:]
	if g.recursive {
		if files, err = g.walk(files); err != nil {
			return err
		}
	}
	g.named = len(files) > 1 || g.recursive
	if err := c.each(files, g.search); err != nil {
		return err
	}
	if !g.found {
		return status1
	}
	return nil
}

func (g *grepping) compile(pattern string) (err error) {
	if g.fixed {
		pattern = regexp.QuoteMeta(pattern)
	}
	if g.folded {
		pattern = "(?i)" + pattern
	}
	g.pattern, err = regexp.Compile(pattern)
	return err
}

// walk returns the files below the given ones, or below the working directory.
func (g *grepping) walk(below []string) ([]string, error) {
	if len(below) == 0 {
		below = []string{"."}
	}
	var files []string
	for _, root := range below {
		err := filepath.WalkDir(g.path(root), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (g *grepping) search(name string, r io.Reader) error {
	prefix := ""
	if g.named {
		prefix = name + ":"
	}
	number, matches := 0, 0
	for line, err := range lines(r) {
		if err != nil {
			return err
		}
		number++
		if g.pattern.MatchString(line) == g.invert {
			continue
		}
		matches++
		g.found = true
		if g.quiet || g.count {
			continue
		}
		if g.number {
			line = fmt.Sprintf("%d:%s", number, line)
		}
		if err := g.println(prefix + line); err != nil {
			return err
		}
	}
	if g.count && !g.quiet {
		return g.println(fmt.Sprint(prefix, matches))
	}
	return nil
}
