package conformance

import "fmt"

var echoUDPTable = []Transcript{
	{Name: "each datagram keeps its boundaries", Datagrams: true, Steps: []Step{
		send("one"), send(""), send("three"), expectDatagram("one"), expectDatagram(""), expectDatagram("three"),
	}},
	{Name: "a datagram that IP must cut", Datagrams: true, Steps: []Step{
		send(string(make([]byte, 9000))), expectDatagram(string(make([]byte, 9000))),
	}},
}

// expectDatagram wants one datagram with exactly these bytes.
func expectDatagram(text string) Step {
	return Step{Expect: func(from *Peer) error {
		b := make([]byte, 64<<10)
		n, err := from.Datagram(b)
		if err != nil {
			return fmt.Errorf("want a datagram of %d bytes: %w", len(text), err)
		}
		if string(b[:n]) != text {
			return fmt.Errorf("got the datagram %.40q of %d bytes, want %.40q of %d", b[:n], n, text, len(text))
		}
		return nil
	}}
}
