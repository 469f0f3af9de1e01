package scenarios

import (
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"github.com/yuin/goldmark/ast"
)

// style is how a stretch of text looks.
type style uint8

const (
	bold style = 1 << iota
	italic
	code // also: is not broken except at spaces
)

// run is a stretch of text in one style.
type run struct {
	text  string
	style style
}

// inliner collects the inline content of a block as runs.
type inliner struct {
	src   []byte
	color bool
	runs  []run
	soft  bool // a line of the source has ended since the last text
}

// inline is the inline content of the block in its base style.
func (t typesetter) inline(n ast.Node, base style) []run {
	c := inliner{src: t.src, color: t.color}
	c.children(n, base)
	return c.runs
}

func (c *inliner) children(n ast.Node, s style) {
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		c.node(child, s)
	}
}

func (c *inliner) node(n ast.Node, s style) {
	switch n := n.(type) {
	case *ast.Text:
		c.text(string(n.Value(c.src)), s)
		c.soft = c.soft || n.SoftLineBreak()
		if n.HardLineBreak() {
			c.text("\n", s)
		}
	case *ast.String:
		c.text(string(n.Value), s)
	case *ast.CodeSpan:
		c.code(plainText(n, c.src), s)
	case *ast.Emphasis:
		if n.Level == 1 {
			c.children(n, s|italic)
		} else {
			c.children(n, s|bold)
		}
	case *ast.AutoLink:
		c.text(string(n.Label(c.src)), s)
	case *ast.Link:
		c.children(n, s)
		if url := string(n.Destination); strings.Contains(url, "://") && url != plainText(n, c.src) {
			c.text(" ("+url+")", s)
		}
	case *ast.RawHTML: // for browsers
	default:
		c.children(n, s)
	}
}

// code sets code in colour where there is one, and else between its marks.
func (c *inliner) code(text string, s style) {
	if !c.color {
		text = "`" + text + "`"
	}
	c.text(text, s|code)
}

func (c *inliner) text(text string, s style) {
	if text == "" {
		return
	}
	if c.soft && len(c.runs) > 0 && !joined(c.runs[len(c.runs)-1].text, text) {
		c.runs = append(c.runs, run{" ", s})
	}
	c.soft = false
	c.runs = append(c.runs, run{text, s})
}

// joined reports whether the end of a source line between the two texts is
// nothing, as between Chinese characters, and no space.
func joined(before, after string) bool {
	a, _ := utf8.DecodeLastRuneInString(before)
	b, _ := utf8.DecodeRuneInString(after)
	return wide(a) && (wide(b) || quote(b)) || wide(b) && quote(a)
}

// wide reports whether a terminal gives the character two columns.
func wide(r rune) bool { return uniseg.StringWidth(string(r)) == 2 }

// quote reports whether the character is one of the punctuation marks that
// Chinese and Latin text share.
func quote(r rune) bool { return strings.ContainsRune("“”‘’…—", r) }
