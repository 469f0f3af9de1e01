package theory

import (
	"fmt"
	"slices"
)

// A Path is how two hosts talk.
type Path string

// The paths.
const (
	Direct  Path = "direct"
	Relayed Path = "relayed"
)

// A Result is what a pair of kinds comes to.
type Result struct {
	Path Path
	// Steps tell what happened to each packet that was the first of its sort.
	Steps []string
}

// Punch has a host behind a NAT of kind a and one behind a NAT of kind b try to talk
// directly. Both go on until both have heard each other or nothing new happens.
func Punch(a, b Kind, as Assumptions) Result {
	left, right := newSide("A", a, as), newSide("B", b, as)
	rendezvous := endpoint{"rendezvous", 1}
	for _, pair := range [][2]*side{{left, right}, {right, left}} {
		observed := pair[0].nat.out(rendezvous)
		pair[1].learn(observed)
	}
	p := punch{said: make(map[string]bool)}
	for p.news = true; p.news && !(left.heard && right.heard); {
		p.news = false
		p.send(left, right)
		p.send(right, left)
	}
	if left.heard && right.heard {
		return Result{Direct, p.steps}
	}
	return Result{Relayed, p.steps}
}

// A side is a host and the NAT before it.
type side struct {
	name    string
	nat     *box
	targets []endpoint // where the other may be
	heard   bool       // the other's packet has come in
}

func newSide(name string, k Kind, a Assumptions) *side {
	return &side{name: name, nat: newBox("nat-"+name, k, a)}
}

func (s *side) learn(e endpoint) bool {
	if slices.Contains(s.targets, e) {
		return false
	}
	s.targets = append(s.targets, e)
	return true
}

// punch is one attempt.
type punch struct {
	news  bool // a packet did what none had done
	said  map[string]bool
	steps []string
}

// send lets one side send a packet to wherever the other may be.
func (p *punch) send(from, to *side) {
	for _, target := range slices.Clone(from.targets) {
		source := from.nat.out(target)
		arrives := to.nat.in(target, source)
		end := fmt.Sprintf("dropped, %s has no permission for %v there", to.nat.name, source)
		if arrives {
			end = "arrives"
			to.heard = true
			to.learn(source)
		}
		p.say(fmt.Sprintf("%s sends from %v to %v: %s", from.name, source, target, end))
	}
}

func (p *punch) say(step string) {
	if p.said[step] {
		return
	}
	p.said[step] = true
	p.news = true
	p.steps = append(p.steps, step)
}
