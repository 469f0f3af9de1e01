package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode/utf8"
)

// Draw returns t as text: each network with its subnet, below it the nodes
// with their addresses in it, and a line at the right that joins the places of
// a node which has several.
//
//	lan-a  10.4.1.0/24
//	├─ host-a  10.4.1.10
//	└─ relay   10.4.1.20 ─┐
//	                      │
//	lan-b  10.4.2.0/24    │
//	├─ relay   10.4.2.20 ─┘
//	└─ host-b  10.4.2.10
func (t *Topology) Draw() string {
	var c canvas
	width := 0
	for _, n := range t.Nodes {
		width = max(width, utf8.RuneCountInString(n.Name))
	}
	legs := make(map[string][]int) // the lines of a node's places
	for i, network := range t.Networks {
		if i > 0 {
			c.line("")
		}
		c.line(strings.TrimSpace(network.Name + "  " + join(network.Subnets)))
		members := t.members(network.Name)
		for j, n := range members {
			branch := "├─"
			if j == len(members)-1 {
				branch = "└─"
			}
			legs[n.Name] = append(legs[n.Name], len(c.lines))
			c.line(strings.TrimRight(fmt.Sprintf("%s %-*s  %s", branch, width, n.Name, join(t.addressesIn(n, network.Name))), " "))
		}
	}
	column := c.width() + 2
	for _, n := range t.Nodes {
		if len(legs[n.Name]) > 1 {
			c.connect(legs[n.Name], column)
			column += 2
		}
	}
	return c.String()
}

// members are the nodes with a place in the network, those inside of others
// left out.
func (t *Topology) members(network string) []NodeSpec {
	var all []NodeSpec
	for _, n := range t.Nodes {
		for _, a := range n.Attachments {
			if a.Network == network {
				all = append(all, n)
			}
		}
	}
	return all
}

func (t *Topology) addressesIn(n NodeSpec, network string) []netip.Addr {
	for _, a := range n.Attachments {
		if a.Network == network {
			return a.Addrs
		}
	}
	return nil
}

func join[T fmt.Stringer](all []T) string {
	words := make([]string, len(all))
	for i, v := range all {
		words[i] = v.String()
	}
	return strings.Join(words, "  ")
}

// A canvas is lines of characters that can be drawn over.
type canvas struct {
	lines [][]rune
	ends  []int // where each line's own text ends
}

func (c *canvas) line(s string) {
	l := []rune(s)
	c.lines, c.ends = append(c.lines, l), append(c.ends, len(l))
}

func (c *canvas) width() int {
	w := 0
	for _, end := range c.ends {
		w = max(w, end)
	}
	return w
}

// connect joins the ends of the given lines by a vertical at column.
func (c *canvas) connect(rows []int, column int) {
	first, last := rows[0], rows[len(rows)-1]
	for row := first; row <= last; row++ {
		switch {
		case !slices.Contains(rows, row):
			c.put(row, column, '│')
			continue
		case row == first:
			c.put(row, column, '┐')
		case row == last:
			c.put(row, column, '┘')
		default:
			c.put(row, column, '┤')
		}
		for x := c.ends[row] + 1; x < column; x++ {
			if c.lines[row][x] == '│' {
				c.lines[row][x] = '┼'
			} else {
				c.lines[row][x] = '─'
			}
		}
	}
}

func (c *canvas) put(row, x int, r rune) {
	for len(c.lines[row]) <= x {
		c.lines[row] = append(c.lines[row], ' ')
	}
	c.lines[row][x] = r
}

// String joins the lines, without blanks at their ends.
func (c *canvas) String() string {
	var b strings.Builder
	for _, l := range c.lines {
		b.WriteString(strings.TrimRight(string(l), " "))
		b.WriteByte('\n')
	}
	return b.String()
}
