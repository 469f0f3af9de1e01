package scenarios

import (
	"bytes"
	"errors"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// The languages of the fenced blocks that are more than text.
const (
	consoleLanguage  = "console"
	topologyLanguage = "topology"
)

var markdown = goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough))

// Parse reads a lesson; file is its name in errors. It returns all mistakes
// that do not depend on the lab as one error: of [Problem], a line each.
// [Lesson.Check] finds the others.
func Parse(file string, src []byte) (*Lesson, error) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	src = bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	if !bytes.HasSuffix(src, []byte("\n")) {
		src = append(bytes.Clone(src), '\n')
	}
	r := reader{lesson: &Lesson{File: file, source: src}}
	doc := markdown.Parser().Parse(text.NewReader(src))
	r.title(doc)
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		r.block(n)
	}
	if err := errors.Join(r.problems...); err != nil {
		return nil, err
	}
	return r.lesson, nil
}

// reader turns a document into a lesson.
type reader struct {
	lesson   *Lesson
	problems []error
}

// block appends one top-level block to the lesson's parts.
func (r *reader) block(n ast.Node) {
	l := r.lesson
	fence, _ := n.(*ast.FencedCodeBlock)
	kind := Prose
	if fence != nil {
		kind = blockKind(fence, l.source)
	}
	if kind == Prose {
		r.nested(n)
		if len(l.Parts) == 0 || l.Parts[len(l.Parts)-1].Kind != Prose {
			l.Parts = append(l.Parts, Part{Kind: Prose, Line: l.lineOf(n)})
		}
		last := &l.Parts[len(l.Parts)-1]
		last.nodes = append(last.nodes, n)
		return
	}
	p := Part{Kind: kind, Line: l.firstLine(fence), Text: blockText(fence, l.source)}
	if !closed(fence, l.source) {
		r.report(p.Line-1, "the "+language(fence, l.source)+" block is never closed", "end it with a line of ```")
	}
	if kind == Console {
		steps, problems := parseConsole(l.File, p.Text, p.Line)
		p.Steps = steps
		r.problems = append(r.problems, problems...)
	}
	l.Parts = append(l.Parts, p)
}

// nested reports the console and topology blocks within another block: what
// is printed there does not stand at the margin, as on a screen.
func (r *reader) nested(n ast.Node) {
	walkFences(n, func(fence *ast.FencedCodeBlock) {
		if blockKind(fence, r.lesson.source) != Prose {
			r.report(r.lesson.firstLine(fence)-1, "a "+language(fence, r.lesson.source)+" block inside a list or a quotation",
				"move it out, to the left margin")
		}
	})
}

func (r *reader) report(line int, what, do string) {
	r.problems = append(r.problems, &Problem{File: r.lesson.File, Line: line, What: what, Do: do})
}

// title takes the lesson's name, its question and what it teaches.
func (r *reader) title(doc ast.Node) {
	h, ok := doc.FirstChild().(*ast.Heading)
	if !ok || h.Level != 1 {
		return
	}
	l := r.lesson
	l.Question = plainText(h, l.source)
	if i := strings.IndexAny(l.Question, ":："); i >= 0 {
		l.Name = strings.TrimSpace(l.Question[:i])
		l.Question = strings.TrimSpace(strings.TrimLeft(l.Question[i:], ":："))
	}
	p, ok := h.NextSibling().(*ast.Paragraph)
	if !ok || p.ChildCount() != 1 {
		return
	}
	if e, ok := p.FirstChild().(*ast.Emphasis); ok && e.Level == 1 {
		l.Teaches = plainText(e, l.source)
	}
}

// walkFences calls f for each fenced block at or under n.
func walkFences(n ast.Node, f func(*ast.FencedCodeBlock)) {
	// The walker's only errors are those of its callback, and there are none.
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if fence, ok := n.(*ast.FencedCodeBlock); ok && entering {
			f(fence)
		}
		return ast.WalkContinue, nil
	})
}

func language(fence *ast.FencedCodeBlock, src []byte) string {
	return string(fence.Language(src))
}

func blockKind(fence *ast.FencedCodeBlock, src []byte) PartKind {
	switch language(fence, src) {
	case consoleLanguage:
		return Console
	case topologyLanguage:
		return Topology
	}
	return Prose
}

// blockText is the text of a code block, without the last line's end.
func blockText(n ast.Node, src []byte) string {
	return strings.TrimSuffix(string(n.Lines().Value(src)), "\n")
}

// closed reports whether something, which can only be its closing fence,
// follows the text of a fenced block with an info string.
func closed(fence *ast.FencedCodeBlock, src []byte) bool {
	end := fence.Info.Segment.Stop
	if n := fence.Lines().Len(); n > 0 {
		end = fence.Lines().At(n - 1).Stop
	}
	return len(bytes.TrimSpace(src[end:])) > 0
}

// firstLine is the line after the opening fence.
func (l *Lesson) firstLine(fence *ast.FencedCodeBlock) int {
	switch {
	case fence.Lines().Len() > 0:
		return l.lineAt(fence.Lines().At(0).Start)
	case fence.Info != nil:
		return l.lineAt(fence.Info.Segment.Start) + 1
	}
	return l.lineOf(fence) + 1
}

// lineOf is the line at which a block begins, as far as the parser tells.
func (l *Lesson) lineOf(n ast.Node) int {
	for ; n != nil; n = n.FirstChild() {
		if pos := n.Pos(); pos >= 0 {
			return l.lineAt(pos)
		}
	}
	return 1
}

// lineAt is the number of the line that holds the offset.
func (l *Lesson) lineAt(offset int) int {
	return 1 + bytes.Count(l.source[:offset], []byte("\n"))
}
