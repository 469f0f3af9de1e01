package tunnel

import (
	"bytes"
	"io"
	"net/netip"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func FuzzChallenge(f *testing.F) {
	f.Add(encodeChallenge(nonce{1, 2, 3}))
	f.Add([]byte(greeting))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := decodeChallenge(b); err == nil {
			require.Equal(t, b, encodeChallenge(n))
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add(encodeRequest(request{ports: []Publication{{TCP, 80}, {UDP, 65535}}}))
	f.Add(make([]byte, maxRequestSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := decodeRequest(b)
		if err != nil {
			return
		}
		require.Equal(t, b, encodeRequest(q))
		require.LessOrEqual(t, len(q.ports), maxPublications)
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add(encodeAnswer(answer{at: netip.MustParseAddr("198.18.14.20")}))
	f.Add(encodeAnswer(answer{at: netip.MustParseAddr("2001:db8::1")}))
	f.Add(encodeAnswer(answer{status: taken, text: "tcp 80 is taken"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := decodeAnswer(b)
		if err != nil {
			return
		}
		again, err := decodeAnswer(encodeAnswer(a))
		require.NoError(t, err)
		require.Equal(t, a, again)
	})
}

func FuzzOpening(f *testing.F) {
	four, six := netip.MustParseAddrPort("198.18.14.10:40000"), netip.MustParseAddrPort("[2001:db8::1]:443")
	f.Add(encodeOpening(opening{Publication: Publication{TCP, 80}, source: four, dialed: four})[1:])
	f.Add(encodeOpening(opening{Publication: Publication{UDP, 53}, source: six, dialed: four})[1:])
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := decodeOpening(b)
		if err != nil {
			return
		}
		again, err := readOpening(bytes.NewReader(encodeOpening(o)))
		require.NoError(t, err)
		require.Equal(t, o, again)
	})
}

// FuzzFrames reads a stream as both sides do, to its end.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{0, 0}, 1)
	f.Add([]byte{0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0}, 3)
	f.Add([]byte{0xff, 0xff, 1}, 2)
	f.Add([]byte{0}, 1)
	f.Fuzz(func(t *testing.T, b []byte, chunk int) {
		var again []byte
		r := &chunks{rest: b, most: max(1, chunk)}
		for {
			err := readFrame(r, func(p []byte) error {
				again = append(again, byte(len(p)>>8), byte(len(p)))
				again = append(again, p...)
				return nil
			})
			if err != nil {
				require.True(t, err == io.EOF || err == io.ErrUnexpectedEOF, err)
				break
			}
		}
		require.True(t, bytes.HasPrefix(b, again))
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte{0, 1, 2})
	f.Add([]byte{0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readMessage(bytes.NewReader(b), maxRequestSize)
		if err == nil {
			require.LessOrEqual(t, len(m), maxRequestSize)
		}
	})
}

// chunks is a stream that comes in pieces.
type chunks struct {
	rest []byte
	most int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(len(c.rest), c.most)])
	c.rest = c.rest[n:]
	return n, nil
}

func FuzzForward(f *testing.F) {
	f.Add("tcp:8080=127.0.0.1:8080")
	f.Add("udp:5353=[2001:db8::1]:53")
	f.Fuzz(func(t *testing.T, s string) {
		if forward, err := ParseForward(s); err == nil {
			require.NotZero(t, forward.Port)
		}
	})
}

func FuzzPorts(f *testing.F) {
	f.Add("8000-8999,tcp:22,udp:5353")
	f.Fuzz(func(t *testing.T, s string) {
		ports, err := ParsePorts(s)
		if err != nil {
			return
		}
		again, err := ParsePorts(ports.String())
		require.NoError(t, err)
		require.Equal(t, ports, again)
	})
}

func TestFramesAtTheEdgeOf16Bits(t *testing.T) {
	for _, n := range []int{0, 1, 255, 256, 65534, 65535} {
		b := make([]byte, headerSize+n)
		putHeader(b, n)
		var got int
		require.NoError(t, readFrame(bytes.NewReader(b), func(p []byte) error { got = len(p); return nil }))
		assert.Equal(t, n, got)
		if n > 0 {
			assert.ErrorIs(t, readFrame(bytes.NewReader(b[:len(b)-1]), nil), io.ErrUnexpectedEOF)
		}
	}
}

func TestMessagesAtTheEdge(t *testing.T) {
	ports := make([]Publication, maxPublications)
	for i := range ports {
		ports[i] = Publication{TCP, uint16(65535 - i)}
	}
	most := encodeRequest(request{ports: ports})
	q, err := decodeRequest(most)
	require.NoError(t, err)
	assert.Equal(t, ports, q.ports)
	for _, b := range [][]byte{
		nil, most[:len(most)-1], most[:nonceSize+proofSize], append(slices.Clone(most), 6, 0, 1),
		encodeRequest(request{ports: []Publication{{TCP, 0}}}),
		encodeRequest(request{ports: []Publication{{1, 80}}}),
		encodeRequest(request{ports: []Publication{{TCP, 80}, {TCP, 80}}}),
	} {
		_, err := decodeRequest(b)
		assert.ErrorIs(t, err, errMalformed)
	}
	_, err = readMessage(bytes.NewReader([]byte{0xff, 0xff}), maxRequestSize)
	assert.ErrorIs(t, err, errMalformed)
}

func TestConnectedIsTold(t *testing.T) {
	for _, no := range []error{nil, syscall.ECONNREFUSED, syscall.EHOSTUNREACH} {
		var b bytes.Buffer
		require.NoError(t, writeConnected(&b, no))
		assert.ErrorIs(t, readConnected(&b), no)
	}
}

func TestParsePorts(t *testing.T) {
	ports, err := ParsePorts("8000-8999,tcp:22,udp:5353")
	require.NoError(t, err)
	for p, want := range map[Publication]bool{
		{TCP, 8000}: true, {UDP, 8999}: true, {TCP, 7999}: false, {TCP, 9000}: false,
		{TCP, 22}: true, {UDP, 22}: false, {UDP, 5353}: true,
	} {
		assert.Equal(t, want, ports.Has(p), p)
	}
	for _, s := range []string{"", "0", "65536", "9-8", "sctp:1", "tcp:", "1,,2", "-"} {
		_, err := ParsePorts(s)
		assert.Error(t, err, s)
	}
}
