package matrix

import (
	"fmt"
	"io"
	"strings"

	"github.com/crosslan/crosslan/theory"
)

// Select Graphic Rendition of a terminal (ECMA-48 section 8.3.117).
const (
	sgrReset  = "\x1b[0m"
	sgrRed    = "\x1b[1;31m"
	sgrGreen  = "\x1b[32m"
	sgrYellow = "\x1b[33m"
)

// columns are as wide that nine of them fit 80 characters, with the head of the row.
const (
	headWidth = 9
	cellWidth = 8
)

// Print writes the cells as a table of 80 columns, a row for each kind of nat-a, with
// what they were measured under and what theory assumes.
func Print(w io.Writer, cells []Cell, o Options, color bool) error {
	p := printer{cells: cells, color: color}
	p.line("%s hole punching between host-a, behind nat-a, and host-b, behind nat-b.", strings.ToUpper(string(o.Transport)))
	p.line("Rows: nat-a; columns: nat-b; each as mapping/filtering (RFC 4787).")
	p.line("EI endpoint-independent, AD address-dependent, APD address-and-port-dependent.")
	p.line("")
	p.table()
	p.line("")
	p.summary()
	p.line("The theory assumes:")
	for _, l := range (theory.Assumptions{Permission: o.Permission}).Lines() {
		p.line("- %s", l)
	}
	_, err := io.WriteString(w, p.b.String())
	if err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	return nil
}

// A printer makes the text.
type printer struct {
	cells []Cell
	color bool
	b     strings.Builder
}

func (p *printer) line(format string, args ...any) {
	p.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
}

func (p *printer) table() {
	kinds := theory.Kinds()
	head := fmt.Sprintf("%-*s", headWidth, "")
	for _, k := range kinds {
		head += fmt.Sprintf("%-*s", cellWidth, k.Short())
	}
	p.line("%s", head)
	for i, k := range kinds {
		row := fmt.Sprintf("%-*s", headWidth, k.Short())
		for _, c := range p.cells[i*len(kinds) : (i+1)*len(kinds)] {
			row += p.paint(c)
		}
		p.line("%s", row)
	}
}

// paint returns a cell as wide as a column.
func (p *printer) paint(c Cell) string {
	word, color := "direct", sgrGreen
	if c.Path == theory.Relayed {
		word, color = "relay", sgrYellow
	}
	if !c.Agrees() {
		word, color = word+"!", sgrRed
	}
	pad := strings.Repeat(" ", cellWidth-len(word))
	if !p.color {
		return word + pad
	}
	return color + word + sgrReset + pad
}

func (p *printer) summary() {
	total, direct, wrong := len(p.cells), Direct(p.cells), Disagreeing(p.cells)
	p.line("%d of %d pairs talk directly, %d need a relay.", direct, total, total-direct)
	if wrong == 0 {
		p.line("Theory agrees in all %d cells.", total)
		return
	}
	p.line("Theory disagrees in %d of %d cells, marked with !:", wrong, total)
	for _, c := range p.cells {
		if !c.Agrees() {
			p.line("- nat-a %s, nat-b %s: %s, by theory %s", c.A.Short(), c.B.Short(), c.Path, c.Expected)
		}
	}
}
