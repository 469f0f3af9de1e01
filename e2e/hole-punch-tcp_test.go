package e2e

import "testing"

func TestHolePunchTCP(t *testing.T) {
	l := start(t, "hole-punch-tcp")
	playLesson(t, l, "hole-punch-tcp")
	holePunch{t: t, lab: l, net: "198.18.12.", option: []string{"--tcp"}}.test()
}
