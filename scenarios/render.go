package scenarios

import (
	"fmt"
	"io"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// DefaultWidth is the number of columns to which prose is wrapped where
// nothing says how wide the terminal is.
const DefaultWidth = 80

// codeIndent stands before the lines of code in prose, and before what is
// played.
const codeIndent = "    "

// Render writes the lesson for a terminal without playing it: its prose
// wrapped to width columns, its blocks as written.
func (l *Lesson) Render(w io.Writer, width int, color bool) error {
	s := &screen{w: w, color: color}
	for _, p := range l.Parts {
		s.text(l.set(p, width, color))
	}
	return s.err
}

// set is a part as lines for a terminal.
func (l *Lesson) set(p Part, width int, color bool) []string {
	t := typesetter{src: l.source, color: color}
	switch p.Kind {
	case Prose:
		return t.blocks(p.nodes, width)
	case Topology:
		return strings.Split(p.Text, "\n")
	}
	return indent(strings.Split(p.Text, "\n"), codeIndent, codeIndent)
}

// typesetter turns blocks of Markdown into lines for a terminal.
type typesetter struct {
	src   []byte
	color bool
}

// blocks sets the blocks one under the other, an empty line between them.
func (t typesetter) blocks(nodes []ast.Node, width int) []string {
	var lines []string
	for _, n := range nodes {
		block := t.block(n, width)
		if len(lines) > 0 && len(block) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, block...)
	}
	return lines
}

func (t typesetter) block(n ast.Node, width int) []string {
	switch n := n.(type) {
	case *ast.Heading:
		return t.heading(n, width)
	case *ast.Paragraph, *ast.TextBlock:
		return wrap(t.inline(n, 0), width, t.color)
	case *ast.List:
		return t.list(n, width)
	case *ast.Blockquote:
		return indent(t.blocks(children(n), width-2), "│ ", "│ ")
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		return indent(strings.Split(blockText(n, t.src), "\n"), codeIndent, codeIndent)
	case *ast.ThematicBreak:
		return []string{strings.Repeat("─", min(max(width, 1), DefaultWidth))}
	case *extast.Table:
		return t.table(n, width)
	}
	return nil // HTML and link definitions are for browsers
}

// heading is bold in colour, else underlined down to its second level.
func (t typesetter) heading(n *ast.Heading, width int) []string {
	lines := wrap(t.inline(n, bold), width, t.color)
	if t.color || n.Level > 2 {
		return lines
	}
	longest := 0
	for _, l := range lines {
		longest = max(longest, uniseg.StringWidth(l))
	}
	return append(lines, strings.Repeat(map[int]string{1: "=", 2: "-"}[n.Level], longest))
}

func (t typesetter) list(n *ast.List, width int) []string {
	var lines []string
	number := n.Start
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		mark := "- "
		if n.IsOrdered() {
			mark = fmt.Sprintf("%d%c ", number, n.Marker)
			number++
		}
		if len(lines) > 0 && !n.IsTight {
			lines = append(lines, "")
		}
		lines = append(lines, indent(t.item(item, n.IsTight, width-len(mark)), mark, strings.Repeat(" ", len(mark)))...)
	}
	return lines
}

func (t typesetter) item(n ast.Node, tight bool, width int) []string {
	if !tight {
		return t.blocks(children(n), width)
	}
	var lines []string
	for _, c := range children(n) {
		lines = append(lines, t.block(c, width)...)
	}
	return lines
}

func children(n ast.Node) []ast.Node {
	var nodes []ast.Node
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		nodes = append(nodes, c)
	}
	return nodes
}

// indent puts first before the first line and others before the others, an
// empty line apart.
func indent(lines []string, first, others string) []string {
	if len(lines) == 0 {
		lines = []string{""}
	}
	indented := make([]string, len(lines))
	for i, l := range lines {
		prefix := others
		if i == 0 {
			prefix = first
		}
		indented[i] = strings.TrimRight(prefix+l, " ")
	}
	return indented
}
