package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// A verb's words after its name.
type signature struct {
	usage    string
	min, max int // how many words
	network  int // which of them is a network, counted from 0; -1 for none
}

// The first word after each verb is a node.
var verbs = map[string]signature{
	"kill":    {"NODE [SIGNAL]", 1, 2, -1},
	"restart": {"NODE", 1, 1, -1},
	"pause":   {"NODE", 1, 1, -1},
	"unpause": {"NODE", 1, 1, -1},
	"cut":     {"NODE NETWORK", 2, 2, 1},
	"join":    {"NODE NETWORK", 2, 2, 1},
	"wait":    {"NODE", 1, 1, -1},
	"logs":    {"NODE", 1, 1, -1},
}

// Check finds the mistakes of a lesson against its lab, before anything is
// started: unknown nodes, verbs and networks, expected lines where nothing is
// printed, commands that nobody would play. It returns them as one error: of
// [Problem], a line each. Networks are checked if any are given.
func (l *Lesson) Check(nodes []string, networks ...string) error {
	c := checker{lesson: l, nodes: slices.Sorted(slices.Values(nodes)), networks: slices.Sorted(slices.Values(networks)),
		running: map[string]bool{}}
	for _, p := range l.Parts {
		for _, n := range p.nodes {
			c.prose(n)
		}
		for _, s := range p.Steps {
			c.step(s)
		}
	}
	slices.SortStableFunc(c.problems, func(a, b *Problem) int { return cmp.Compare(a.Line, b.Line) })
	errs := make([]error, len(c.problems))
	for i, p := range c.problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

type checker struct {
	lesson          *Lesson
	nodes, networks []string
	running         map[string]bool // nodes with a background command not waited for
	problems        []*Problem
}

func (c *checker) report(line int, do, what string, args ...any) {
	c.problems = append(c.problems, &Problem{File: c.lesson.File, Line: line, What: fmt.Sprintf(what, args...), Do: do})
}

func (c *checker) step(s Step) {
	for _, l := range s.Want {
		if node, ok := c.command(l.Text); ok {
			c.report(l.Number, "put a space after the sign", "%q has a node's name but is no command", node+l.Text[len(node):len(node)+1])
		}
	}
	switch {
	case s.Kind == Verb:
		c.verb(s)
	case s.Node == labName:
		c.report(s.Line, "write lab$", "lab& is no way to act on the lab")
	default:
		c.node(s.Line, s.Node)
	}
	if s.Kind == Background {
		c.running[s.Node] = true
	}
}

func (c *checker) verb(s Step) {
	name, args := s.Argv[0], s.Argv[1:]
	v, ok := verbs[name]
	if !ok {
		c.report(s.Line, "the verbs are "+strings.Join(slices.Sorted(maps.Keys(verbs)), ", "), "no verb %q", name)
		return
	}
	if len(args) < v.min || len(args) > v.max {
		c.report(s.Line, fmt.Sprintf("write lab$ %s %s", name, v.usage), "%q has the wrong number of words", s.Text)
		return
	}
	c.node(s.Line, args[0])
	if v.network >= 0 && len(c.networks) > 0 && !slices.Contains(c.networks, args[v.network]) {
		c.report(s.Line, "this lab has "+strings.Join(c.networks, ", "), "no network %q", args[v.network])
	}
	c.verbOutput(s)
}

// verbOutput checks what stands under a verb.
func (c *checker) verbOutput(s Step) {
	name, node := s.Argv[0], s.Argv[1]
	if s.Exit != 0 {
		c.report(s.exitLine, "leave the line out", "lab$ %s has no exit status", name)
	}
	switch {
	case name == "logs":
		if !slices.ContainsFunc(s.Want, func(l Line) bool { return !l.any() && l.Text != "" }) {
			c.report(s.Line, "put under it the lines to wait for", "lab$ logs without expected lines")
		}
		return
	case len(s.Want) > 0:
		do := "leave the lines out"
		if name == "wait" {
			do = fmt.Sprintf("put the lines under the command, %s&", node)
		}
		c.report(s.Want[0].Number, do, "expected lines under lab$ %s, which prints none", name)
	}
	if name == "wait" {
		if !c.running[node] && slices.Contains(c.nodes, node) {
			c.report(s.Line, fmt.Sprintf("start one before with %s&", node), "no command in the background of %s to wait for", node)
		}
		delete(c.running, node)
	}
}

func (c *checker) node(line int, name string) {
	if !slices.Contains(c.nodes, name) {
		c.report(line, "this lab has "+strings.Join(c.nodes, ", "), "no node %q", name)
	}
}

// prose reports commands in blocks that are only shown: they look tried, but
// no one would notice when they stop being true.
func (c *checker) prose(n ast.Node) {
	// The walker's only errors are those of its callback, and there are none.
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if k := n.Kind(); !entering || (k != ast.KindCodeBlock && k != ast.KindFencedCodeBlock) {
			return ast.WalkContinue, nil
		}
		for i := range n.Lines().Len() {
			segment := n.Lines().At(i)
			text := string(segment.Value(c.lesson.source))
			if node, ok := c.command(text); ok {
				c.report(c.lesson.lineAt(segment.Start), "put it between ```console and ```, at the left margin",
					"a command in %s is never played", node)
			}
		}
		return ast.WalkContinue, nil
	})
}

// command reports whether the text begins as a command in one of the lab's
// nodes, or on the lab, does.
func (c *checker) command(text string) (node string, ok bool) {
	i := strings.IndexAny(text, "$&")
	if i < 0 {
		return "", false
	}
	node = text[:i]
	return node, node == labName || slices.Contains(c.nodes, node)
}
