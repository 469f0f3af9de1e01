package scenarios

import (
	"strings"

	"github.com/rivo/uniseg"
	extast "github.com/yuin/goldmark/extension/ast"
)

const (
	columnGap = "  "
	// minColumn is the width below which no column of a table is squeezed; a
	// table that does not fit even so runs over the margin.
	minColumn = 8
)

// table sets a table in columns, its cells wrapped where the width demands.
func (t typesetter) table(n *extast.Table, width int) []string {
	var rows [][][]run
	for r := n.FirstChild(); r != nil; r = r.NextSibling() {
		base := style(0)
		if r.Kind() == extast.KindTableHeader {
			base = bold
		}
		var row [][]run
		for _, cell := range children(r) {
			row = append(row, t.inline(cell, base))
		}
		rows = append(rows, row)
	}
	widths := columnWidths(rows, len(n.Alignments), width)
	var lines []string
	for i, row := range rows {
		lines = append(lines, t.row(row, widths, n.Alignments)...)
		if i == 0 {
			lines = append(lines, rule(widths))
		}
	}
	return lines
}

// columnWidths squeezes the widest column, again and again, until all fit.
func columnWidths(rows [][][]run, columns, width int) []int {
	widths := make([]int, columns)
	total := (columns - 1) * len(columnGap)
	for i := range widths {
		for _, row := range rows {
			if i < len(row) {
				widths[i] = max(widths[i], runsWidth(row[i]))
			}
		}
		total += widths[i]
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= minColumn {
			break
		}
		widths[widest]--
	}
	return widths
}

func (t typesetter) row(cells [][]run, widths []int, align []extast.Alignment) []string {
	columns := make([][]string, len(widths))
	height := 0
	for i := range columns {
		if i < len(cells) {
			columns[i] = wrap(cells[i], widths[i], t.color)
		}
		height = max(height, len(columns[i]))
	}
	lines := make([]string, height)
	for y := range lines {
		var b strings.Builder
		for i, column := range columns {
			text := ""
			if y < len(column) {
				text = column[y]
			}
			if i > 0 {
				b.WriteString(columnGap)
			}
			b.WriteString(pad(text, widths[i], align[i]))
		}
		lines[y] = strings.TrimRight(b.String(), " ")
	}
	return lines
}

func pad(text string, width int, align extast.Alignment) string {
	spaces := max(0, width-shownWidth(text))
	left := 0
	switch align {
	case extast.AlignRight:
		left = spaces
	case extast.AlignCenter:
		left = spaces / 2
	}
	return strings.Repeat(" ", left) + text + strings.Repeat(" ", spaces-left)
}

func rule(widths []int) string {
	parts := make([]string, len(widths))
	for i, w := range widths {
		parts[i] = strings.Repeat("─", w)
	}
	return strings.Join(parts, columnGap)
}

func runsWidth(runs []run) int {
	n := 0
	for _, r := range runs {
		n += uniseg.StringWidth(r.text)
	}
	return n
}

// shownWidth is the width of painted text, whose colours take no columns.
func shownWidth(text string) int {
	for _, sgr := range []string{sgrReset, sgrBold, sgrItalic, sgrCyan} {
		text = strings.ReplaceAll(text, sgr, "")
	}
	return uniseg.StringWidth(text)
}
