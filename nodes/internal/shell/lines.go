package shell

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
	"mvdan.cc/sh/v3/interp"
)

// maxLine is the longest line that a command reads, in bytes.
const maxLine = 1 << 20

// flags parses the command's flags and leaves its other arguments in c.args.
func (c *call) flags(add func(*pflag.FlagSet)) error {
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	add(f)
	if err := f.Parse(c.args); err != nil {
		return err
	}
	c.args = f.Args()
	return nil
}

// path returns where a file is that the command names.
func (c *call) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Dir, name)
}

// each calls do with each file that the command names, or with its standard input.
func (c *call) each(names []string, do func(name string, r io.Reader) error) error {
	if len(names) == 0 {
		return do("", c.stdin())
	}
	var errs []error
	for _, name := range names {
		errs = append(errs, c.open(name, do))
	}
	return errors.Join(errs...)
}

func (c *call) open(name string, do func(name string, r io.Reader) error) error {
	f, err := os.Open(c.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return do(name, f)
}

// lines yields the lines of r.
func lines(r io.Reader) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s := bufio.NewScanner(r)
		s.Buffer(nil, maxLine)
		for s.Scan() {
			if !yield(s.Text(), nil) {
				return
			}
		}
		if err := s.Err(); err != nil {
			yield("", err)
		}
	}
}

// count is the flag -n of head and tail, also as -5.
func (c *call) count() (int, error) {
	n := 10
	if len(c.args) > 0 && len(c.args[0]) > 1 && strings.Trim(c.args[0], "-0123456789") == "" {
		c.args = append([]string{"-n", c.args[0][1:]}, c.args[1:]...)
	}
	err := c.flags(func(f *pflag.FlagSet) { f.IntVarP(&n, "lines", "n", n, "") })
	if err == nil && n < 0 {
		err = fmt.Errorf("-n %d is negative", n)
	}
	return n, err
}

func head(c *call) error {
	n, err := c.count()
	if err != nil {
		return err
	}
	return c.each(c.args, func(_ string, r io.Reader) error {
		left := n
		for line, err := range lines(r) {
			if err != nil || left == 0 {
				return err
			}
			if err := c.println(line); err != nil {
				return err
			}
			left--
		}
		return nil
	})
}

func tail(c *call) error {
	n, err := c.count()
	if err != nil {
		return err
	}
	return c.each(c.args, func(_ string, r io.Reader) error {
		var last []string
		for line, err := range lines(r) {
			if err != nil {
				return err
			}
			if last = append(last, line); len(last) > n {
				last = last[1:]
			}
		}
		for _, line := range last {
			if err := c.println(line); err != nil {
				return err
			}
		}
		return nil
	})
}

func wc(c *call) error {
	var only struct{ lines, words, bytes bool }
	err := c.flags(func(f *pflag.FlagSet) {
		f.BoolVarP(&only.lines, "lines", "l", false, "")
		f.BoolVarP(&only.words, "words", "w", false, "")
		f.BoolVarP(&only.bytes, "bytes", "c", false, "")
	})
	if err != nil {
		return err
	}
	if !only.lines && !only.words && !only.bytes {
		only.lines, only.words, only.bytes = true, true, true
	}
	return c.each(c.args, func(name string, r io.Reader) error {
		w := &counter{}
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
		var columns []string
		for _, col := range []struct {
			wanted bool
			n      int
		}{{only.lines, w.lines}, {only.words, w.words}, {only.bytes, w.bytes}} {
			if col.wanted {
				columns = append(columns, fmt.Sprint(col.n))
			}
		}
		if name != "" {
			columns = append(columns, name)
		}
		return c.println(strings.Join(columns, " "))
	})
}

// counter counts what is written to it.
type counter struct {
	lines, words, bytes int
	inWord              bool
}

func (w *counter) Write(p []byte) (int, error) {
	for _, b := range p {
		space := b == ' ' || '\t' <= b && b <= '\r'
		if b == '\n' {
			w.lines++
		}
		if !space && !w.inWord {
			w.words++
		}
		w.inWord = !space
	}
	w.bytes += len(p)
	return len(p), nil
}

// status1 is how grep says that nothing was found.
const status1 = interp.ExitStatus(1)
