package scenarios

import (
	"strings"

	"github.com/yuin/goldmark/ast"
)

// plainText is the text of a block's inline content, without its marks, on
// one line.
func plainText(n ast.Node, src []byte) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.Write(c.Value(src))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(c.Value)
		case *ast.AutoLink:
			b.Write(c.Label(src))
		default:
			b.WriteString(plainText(c, src))
		}
	}
	return strings.TrimSpace(b.String())
}
