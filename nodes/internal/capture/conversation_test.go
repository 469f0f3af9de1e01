package capture

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/stretchr/testify/assert"
)

// show returns the lines of frames of one capture, without time and addresses.
func show(t *testing.T, frames ...frame) []string {
	t.Helper()
	talks := conversations{}
	var lines []string
	for _, f := range frames {
		p := decode(f)
		talks.add(p)
		line := strings.TrimPrefix(p.line(), "0.000000 ")
		line = strings.Replace(line, "10.30.1.10:40000 -> 10.30.2.10:50007", ">", 1)
		line = strings.Replace(line, "10.30.2.10:50007 -> 10.30.1.10:40000", "<", 1)
		if p.context.closed {
			line += " closed"
		}
		lines = append(lines, line)
	}
	return lines
}

func showSegments(t *testing.T, segments ...segment) string {
	t.Helper()
	var frames []frame
	for _, s := range segments {
		frames = append(frames, s.frame(t))
	}
	return strings.Join(show(t, frames...), "\n")
}

// Sequence numbers near the end of their range, so that the tests cross it.
var isnA, isnB uint32 = 0xffff_fffe, 7000

func handshake() []segment {
	return []segment{
		{flags: "S", seq: isnA, window: 64240, options: scale(7)},
		{back: true, flags: "SA", seq: isnB, ack: isnA + 1, window: 65160, options: scale(10)},
		{flags: "A", seq: isnA + 1, ack: isnB + 1, window: 502},
	}
}

func TestAWholeConversation(t *testing.T) {
	end := uint32(3) // isnA + 5
	got := showSegments(t, append(handshake(),
		segment{flags: "PA", seq: isnA + 1, ack: isnB + 1, window: 502, payload: "word"},
		segment{back: true, flags: "A", seq: isnB + 1, ack: end, window: 64},
		segment{flags: "FA", seq: end, ack: isnB + 1, window: 502},
		segment{back: true, flags: "FA", seq: isnB + 1, ack: end + 1, window: 64},
		segment{flags: "A", seq: end + 1, ack: isnB + 2, window: 502},
	)...)
	assert.Equal(t, `> SYN seq 0 win 64240 options wscale 7, end
< SYN ACK seq 0 ack 1 win 65160 options wscale 10, end
> ACK seq 1 ack 1 win 64256
> PSH ACK seq 1 ack 1 win 64256 4 bytes "word"
< ACK seq 1 ack 5 win 65536
> FIN ACK seq 5 ack 1 win 64256
< FIN ACK seq 1 ack 6 win 65536
> ACK seq 6 ack 2 win 64256 closed`, got)
}

func TestWhatIsSentAgain(t *testing.T) {
	syn := segment{flags: "S", seq: 100, window: 64240}
	synAck := segment{back: true, flags: "SA", seq: isnB, ack: 101, window: 65160}
	data := segment{flags: "PA", seq: 101, ack: isnB + 1, window: 502, payload: "word"}
	assert.Equal(t, `> SYN seq 0 win 64240
> SYN seq 0 win 64240 (again)
< SYN ACK seq 0 ack 1 win 65160
< SYN ACK seq 0 ack 1 win 65160 (again)
> PSH ACK seq 1 ack 1 win 502 4 bytes "word"
> PSH ACK seq 1 ack 1 win 502 4 bytes "word" (again)`, showSegments(t, syn, syn, synAck, synAck, data, data))
}

func TestKeepaliveAndWindowProbe(t *testing.T) {
	got := showSegments(t, append(handshake(),
		segment{flags: "A", seq: isnA, ack: isnB + 1, window: 502},
		segment{back: true, flags: "A", seq: isnB + 1, ack: isnA + 1},
		segment{flags: "A", seq: isnA, ack: isnB + 1, window: 502},
	)...)
	assert.Equal(t, `> ACK seq 0 ack 1 win 64256 (keepalive)
< ACK seq 1 ack 1 win 0
> ACK seq 0 ack 1 win 64256 (window probe)`, strings.Join(strings.Split(got, "\n")[3:], "\n"))
}

func TestAGap(t *testing.T) {
	got := showSegments(t, append(handshake(),
		segment{flags: "A", seq: isnA + 11, ack: isnB + 1, window: 502, payload: "later"})...)
	assert.Contains(t, got, `> ACK seq 11 ack 1 win 64256 5 bytes "later" (out of order)`)
}

func TestARefusedConnection(t *testing.T) {
	got := showSegments(t,
		segment{flags: "S", seq: 100, window: 64240},
		segment{back: true, flags: "RA", ack: 101},
		segment{flags: "S", seq: 900, window: 64240},
		segment{back: true, flags: "RA", ack: 901})
	assert.Equal(t, `> SYN seq 0 win 64240
< RST ACK seq 0 ack 1 win 0 closed
> SYN seq 0 win 64240
< RST ACK seq 0 ack 1 win 0 closed`, got)
}

func TestAConversationFoundInTheMiddle(t *testing.T) {
	got := showSegments(t,
		segment{flags: "A", seq: 5000, ack: 9000, window: 502, payload: "word"},
		segment{back: true, flags: "A", seq: 9000, ack: 5004, window: 64})
	assert.Equal(t, `> ACK seq 1 ack 1 win 502 (unscaled) 4 bytes "word"
< ACK seq 1 ack 5 win 64 (unscaled)`, got)
}

func TestWindowsAreScaledOnlyIfBothAgree(t *testing.T) {
	got := showSegments(t,
		segment{flags: "S", seq: 100, window: 64240, options: scale(7)},
		segment{back: true, flags: "SA", seq: isnB, ack: 101, window: 65160},
		segment{flags: "A", seq: 101, ack: isnB + 1, window: 502})
	assert.Contains(t, got, "> ACK seq 1 ack 1 win 502")
	assert.NotContains(t, got, "unscaled")
}

func TestARouterSeesEachPacketTwice(t *testing.T) {
	in := segment{flags: "S", seq: 100, window: 64240}.frame(t)
	out := in
	out.index = 3
	assert.Equal(t, []string{"> SYN seq 0 win 64240", "> SYN seq 0 win 64240"}, show(t, in, out))
}

func TestOptions(t *testing.T) {
	all := []layers.TCPOption{
		{OptionType: layers.TCPOptionKindMSS, OptionLength: 4, OptionData: []byte{5, 0xb4}},
		{OptionType: layers.TCPOptionKindSACKPermitted, OptionLength: 2},
		{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)},
		{OptionType: layers.TCPOptionKindNop, OptionLength: 1},
		scale(7)[0],
	}
	later := []layers.TCPOption{
		{OptionType: layers.TCPOptionKindNop, OptionLength: 1},
		{OptionType: layers.TCPOptionKindNop, OptionLength: 1},
		{OptionType: layers.TCPOptionKindTimestamps, OptionLength: 10, OptionData: make([]byte, 8)},
	}
	sack := append(later[:2:2], layers.TCPOption{OptionType: layers.TCPOptionKindSACK, OptionLength: 10, OptionData: make([]byte, 8)})
	got := showSegments(t,
		segment{flags: "S", seq: 1, window: 64240, options: all},
		segment{flags: "A", seq: 2, window: 64240, options: later},
		segment{flags: "A", seq: 2, window: 64240, options: sack})
	assert.Equal(t, `> SYN seq 0 win 64240 options mss 1460, sackOK, timestamps, nop, wscale 7
> ACK seq 1 ack 1 win 64240 (unscaled)
> ACK seq 1 ack 1 win 64240 (unscaled) options sack of 1`, got)
}

func TestConversationsAreForgotten(t *testing.T) {
	talks := conversations{}
	for i := range maxConversations + 1 {
		f := segment{flags: "S"}.frame(t)
		f.index = i
		talks.add(decode(f))
		assert.LessOrEqual(t, len(talks), maxConversations, fmt.Sprint(i))
	}
}
