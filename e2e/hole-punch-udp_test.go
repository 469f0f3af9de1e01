package e2e

import "testing"

func TestHolePunchUDP(t *testing.T) {
	l := start(t, "hole-punch-udp")
	playLesson(t, l, "hole-punch-udp")
	holePunch{t: t, lab: l, net: "198.18.11."}.test()
}
