package batch

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

const patience = 20 * time.Second

// open binds a socket to address.
func open(t testing.TB, address string) *Conn {
	t.Helper()
	u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(address)))
	require.NoError(t, err)
	t.Cleanup(func() { u.Close() })
	require.NoError(t, u.SetDeadline(time.Now().Add(patience)))
	_ = u.SetReadBuffer(4 << 20)
	c, err := New(u)
	require.NoError(t, err)
	return c
}

// dial returns a socket that is connected to c.
func dial(t testing.TB, c *Conn) *Conn {
	t.Helper()
	u, err := net.DialUDP("udp", nil, c.LocalAddr().(*net.UDPAddr))
	require.NoError(t, err)
	t.Cleanup(func() { u.Close() })
	d, err := New(u)
	require.NoError(t, err)
	return d
}

// messages are one of each payload; a payload is told apart by what it is filled with.
func messages(sizes ...int) []Message {
	var out []Message
	for i, n := range sizes {
		out = append(out, Message{Payload: fill(i, n), Size: n})
	}
	return out
}

func fill(i, n int) []byte { return []byte(strings.Repeat(string(rune('a'+i%26)), n)) }

// receiveAll returns the next n datagrams.
func receiveAll(t testing.TB, c *Conn, n int) (datagrams [][]byte, longest int) {
	t.Helper()
	for len(datagrams) < n {
		b, err := c.Receive()
		require.NoError(t, err, "after %d of %d", len(datagrams), n)
		for _, m := range b.Messages {
			longest = max(longest, m.Datagrams())
			if len(m.Payload) == 0 {
				datagrams = append(datagrams, []byte{})
			}
			for rest := m.Payload; len(rest) > 0; {
				k := min(m.Size, len(rest))
				datagrams = append(datagrams, append([]byte{}, rest[:k]...))
				rest = rest[k:]
			}
		}
		b.Release()
	}
	return datagrams, longest
}

// sendAll sends messages by a batch of their own.
func sendAll(t testing.TB, c *Conn, d Destination, m []Message) (datagrams, bytes int) {
	t.Helper()
	b := take()
	defer b.Release()
	return c.Send(b, m, d, func(err error) { assert.NoError(t, err) })
}

func TestPlanJoinsWhatMayBeSentInOnePiece(t *testing.T) {
	many := func(n, size int) []int {
		sizes := make([]int, n)
		for i := range sizes {
			sizes[i] = size
		}
		return sizes
	}
	for _, c := range []struct {
		name  string
		sizes []int
		want  []int // datagrams of each run
	}{
		{"one", []int{5}, []int{1}},
		{"of a size", []int{100, 100, 100}, []int{3}},
		{"the last is shorter", []int{100, 100, 7}, []int{3}},
		{"nothing follows a shorter one", []int{100, 7, 100}, []int{2, 1}},
		{"two shorter ones", []int{100, 7, 7}, []int{2, 1}},
		{"a longer one", []int{7, 100}, []int{1, 1}},
		{"an empty one is by itself", []int{100, 0, 100}, []int{1, 1, 1}},
		{"two empty ones", []int{0, 0}, []int{1, 1}},
		{"no more than 64", many(70, 10), []int{64, 6}},
		{"no more than 65507 bytes", many(3, 30000), []int{2, 1}},
		{"the largest", []int{65507, 65507}, []int{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := take()
			defer b.Release()
			b.plan(messages(c.sizes...), true)
			var got []int
			for _, r := range b.left() {
				got = append(got, r.datagrams)
			}
			assert.Equal(t, c.want, got)

			b.plan(messages(c.sizes...), false)
			assert.Len(t, b.left(), len(c.sizes), "each by itself")
		})
	}
}

func TestPlanTakesLongRunsApart(t *testing.T) {
	b := take()
	defer b.Release()
	b.plan([]Message{{Payload: fill(0, 100*600), Size: 600}}, true)
	require.Len(t, b.left(), 2)
	assert.Equal(t, run{parts: 1, size: 600, datagrams: 64, bytes: 64 * 600, open: true}, b.left()[0])
	assert.Equal(t, 36, b.left()[1].datagrams)
}

func TestDatagramsKeepBoundariesAndOrder(t *testing.T) {
	for name, separate := range map[string]bool{"in runs": false, "each by itself": true} {
		for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
			t.Run(name+" "+address, func(t *testing.T) {
				to := open(t, address)
				from := dial(t, to)
				from.separate.Store(separate)
				random := rand.New(rand.NewPCG(5, 5))
				kinds := []int{0, 1, 64, 64, 64, 1200, 1200, 1472, 1473, 9000}
				for range 100 {
					var sizes []int
					for range 1 + random.IntN(messageCount) {
						sizes = append(sizes, kinds[random.IntN(len(kinds))])
					}
					sent := messages(sizes...)
					datagrams, _ := sendAll(t, from, Destination{}, sent)
					require.Equal(t, len(sent), datagrams)
					got, _ := receiveAll(t, to, len(sent))
					for i, m := range sent {
						require.Equal(t, string(m.Payload), string(got[i]), "datagram %d of sizes %v", i, sizes)
					}
				}
			})
		}
	}
}

func TestTheLargestDatagram(t *testing.T) {
	to := open(t, "127.0.0.1:0")
	sent := messages(65507, 0, 1)
	_, bytes := sendAll(t, dial(t, to), Destination{}, sent)
	assert.Equal(t, 65508, bytes)
	got, _ := receiveAll(t, to, 3)
	for i, m := range sent {
		assert.Equal(t, len(m.Payload), len(got[i]))
		assert.Equal(t, string(m.Payload), string(got[i]))
	}
}

func TestRunsPassTheStackInOnePiece(t *testing.T) {
	to := open(t, "127.0.0.1:0")
	sent := messages(make([]int, 32)...)
	for i := range sent {
		sent[i] = Message{Payload: fill(i, 1200), Size: 1200}
	}
	sendAll(t, dial(t, to), Destination{}, sent)
	_, longest := receiveAll(t, to, 32)
	assert.Equal(t, 32, longest, "by UDP_SEGMENT and UDP_GRO they are one message")
}

func TestAnswerGoesToTheSource(t *testing.T) {
	to := open(t, "127.0.0.1:0")
	from := open(t, "127.0.0.1:0")
	u := netip.MustParseAddrPort(to.LocalAddr().String())
	_, err := from.WriteToUDPAddrPort([]byte("question"), u)
	require.NoError(t, err)
	b, err := to.Receive()
	require.NoError(t, err)
	assert.Equal(t, from.LocalAddr().String(), b.Messages[0].From.AddrPort().String())
	name := *b.Messages[0].From
	to.Send(b, b.Messages, Destination{To: &name}, func(err error) { assert.NoError(t, err) })
	b.Release()
	got, _ := receiveAll(t, from, 1)
	assert.Equal(t, "question", string(got[0]))
}

// Datagrams that are larger than the MTU cannot be cut from a run (EINVAL): they go
// by themselves, in fragments.
func TestRunsOfDatagramsThatNeedFragments(t *testing.T) {
	a, z := nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "eth0", "10.99.3.1/24", z, "eth0", "10.99.3.2/24")
	var to, from *Conn
	require.NoError(t, z.Do(func() error { to = open(t, "10.99.3.2:0"); return nil }))
	require.NoError(t, a.Do(func() error { from = dial(t, to); return nil }))
	sent := messages(2000, 2000, 2000, 1400, 1400, 2000)
	datagrams, bytes := sendAll(t, from, Destination{}, sent)
	assert.Equal(t, 6, datagrams)
	assert.Equal(t, 4*2000+2*1400, bytes)
	got, _ := receiveAll(t, to, 6)
	for i, m := range sent {
		assert.Equal(t, string(m.Payload), string(got[i]))
	}
	assert.False(t, from.separate.Load(), "others of that socket still go in runs")
}

// What an earlier datagram brought about is told, and does not take the next one along.
func TestAnErrorOfAnEarlierDatagram(t *testing.T) {
	to := open(t, "127.0.0.1:0")
	from := dial(t, to)
	address := to.LocalAddr().String()
	to.Close()
	sendAll(t, from, Destination{}, messages(1))
	var told []error
	b := take()
	defer b.Release()
	require.Eventually(t, func() bool {
		from.Send(b, messages(1), Destination{}, func(err error) { told = append(told, err) })
		return len(told) > 0
	}, patience, time.Millisecond)
	assert.ErrorIs(t, told[0], unix.ECONNREFUSED)

	told = nil
	again := open(t, address)
	require.Eventually(t, func() bool {
		n, _ := from.Send(b, messages(3), Destination{}, func(err error) { told = append(told, err) })
		return n == 1
	}, patience, time.Millisecond)
	got, _ := receiveAll(t, again, 1)
	assert.Equal(t, "aaa", string(got[0]))
}

func TestWhatCannotBeSentIsLeftOut(t *testing.T) {
	to := open(t, "127.0.0.1:0")
	from := dial(t, to)
	b := take()
	defer b.Release()
	var told []error
	n, bytes := from.Send(b, messages(1, 65508, 2), Destination{}, func(err error) { told = append(told, err) })
	assert.Equal(t, 2, n)
	assert.Equal(t, 3, bytes)
	require.Len(t, told, 1)
	assert.ErrorIs(t, told[0], unix.EMSGSIZE)
	got, _ := receiveAll(t, to, 2)
	assert.Equal(t, []string{"a", "cc"}, []string{string(got[0]), string(got[1])})
}

func TestReceiveEndsWithTheSocketAndItsDeadline(t *testing.T) {
	c := open(t, "127.0.0.1:0")
	require.NoError(t, c.SetReadDeadline(time.Now()))
	_, err := c.Receive()
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetReadDeadline(time.Time{}))
	done := make(chan error)
	go func() { _, err := c.Receive(); done <- err }()
	c.Close()
	assert.True(t, errors.Is(<-done, net.ErrClosed))
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte{0, 1, 64, 64, 255, 255}, true)
	f.Fuzz(func(t *testing.T, sizes []byte, join bool) {
		var sent []Message
		var want []string
		for i, s := range sizes[:min(len(sizes), messageCount)] {
			// A message is a run itself: as many datagrams as its size's last two bits.
			size, n := int(s), 1+int(s)%4
			m := Message{Payload: fill(i, size*n), Size: size}
			sent = append(sent, m)
			if size == 0 {
				n = 1
			}
			for range n {
				want = append(want, string(fill(i, size)))
			}
		}
		b := take()
		defer b.Release()
		b.plan(sent, join)
		b.address(Destination{})
		check := func() {
			var got []string
			for i, r := range b.left() {
				var whole []byte
				h := b.out[i].message
				for _, v := range b.parts[b.partsAt:][:r.parts] {
					whole = append(whole, bytesOf(v)...)
				}
				require.EqualValues(t, r.parts, h.Iovlen)
				require.LessOrEqual(t, r.datagrams, maxRun)
				require.LessOrEqual(t, len(whole), maxBytes)
				require.Equal(t, r.bytes, len(whole))
				if r.parts == 0 {
					got = append(got, "")
				}
				for len(whole) > 0 {
					n := min(r.size, len(whole))
					got = append(got, string(whole[:n]))
					whole = whole[n:]
				}
				b.partsAt += r.parts
			}
			b.partsAt = 0
			require.Equal(t, fmt.Sprint(want), fmt.Sprint(got))
		}
		check()
		b.split()
		b.address(Destination{})
		check()
	})
}
