package capture

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/node"
	"github.com/crosslan/crosslan/nodes/internal/node/nodetest"
	"github.com/crosslan/crosslan/nodes/internal/nstest"
)

// limit ends what hangs in a test.
const limit = 20 * time.Second

// client is the program with the command alone.
func client() *cobra.Command {
	cmd := &cobra.Command{Use: "client"}
	cmd.AddCommand(Command())
	return cmd
}

// running is a capture that runs.
type running struct {
	stdout, stderr nodetest.Log
	cancel         context.CancelFunc
	done           chan int
}

// start starts a capture in a namespace and returns when it is ready.
func start(t *testing.T, n *nstest.Namespace, args ...string) *running {
	t.Helper()
	r := &running{done: make(chan int, 1)}
	var ctx context.Context
	ctx, r.cancel = context.WithTimeout(context.Background(), limit)
	t.Cleanup(r.cancel)
	go func() {
		_ = n.Do(func() error {
			r.done <- node.Run(ctx, client(), append([]string{"capture"}, args...), &r.stdout, &r.stderr)
			return nil
		})
	}()
	r.stdout.Wait(t, "ready")
	return r
}

// wait waits for the end of the capture and returns its lines, without times and
// the ports that the kernel chose.
func (r *running) wait(t *testing.T) string {
	t.Helper()
	require.Equal(t, 0, <-r.done, r.stderr.String())
	text := regexp.MustCompile(`packet     [0-9.]+ `).ReplaceAllString(r.stdout.String(), "packet ")
	return regexp.MustCompile(`10\.30\.1\.10:[0-9]+`).ReplaceAllString(text, "A")
}

// lan makes two hosts that are joined by a cable.
func lan(t *testing.T) (a, b *nstest.Namespace) {
	t.Helper()
	a, b = nstest.New(t), nstest.New(t)
	nstest.Link(t, a, "lan-a", "10.30.1.10/24", b, "lan-b", "10.30.1.11/24")
	return a, b
}

// serve answers one connection to port 50007 of a host with what comes.
func serve(t *testing.T, n *nstest.Namespace) {
	t.Helper()
	var l net.Listener
	require.NoError(t, n.Do(func() (err error) {
		l, err = net.Listen("tcp4", "10.30.1.11:50007")
		return err
	}))
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			err = errors.Join(err, c.Close())
		}
		done <- err
	}()
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		<-done
	})
}

func dial(t *testing.T, n *nstest.Namespace, network string) net.Conn {
	t.Helper()
	var c net.Conn
	require.NoError(t, n.Do(func() (err error) {
		c, err = net.Dial(network, "10.30.1.11:50007")
		return err
	}))
	t.Cleanup(func() { c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(limit)))
	return c
}

func TestData(t *testing.T) {
	a, b := lan(t)
	serve(t, b)
	r := start(t, b, "--tcp", "--data", "--count", "2")
	c := dial(t, a, "tcp4")
	_, err := io.WriteString(c, "Hello")
	require.NoError(t, err)
	text := r.wait(t)
	assert.Regexp(t, `(?m)^packet A -> 10\.30\.1\.11:50007 PSH ACK seq 1 ack 1 win \d+ 5 bytes "Hello"$`, text, "the numbers count from the SYN, which is not shown")
	assert.Regexp(t, `(?m)^packet 10\.30\.1\.11:50007 -> A PSH ACK seq 1 ack 6 win \d+ 5 bytes "Hello"$`, text)
	assert.Contains(t, text, "packets: 2, lost: 0")
}

func TestAHandshakeAndItsEnd(t *testing.T) {
	a, b := lan(t)
	serve(t, b)
	path := filepath.Join(t.TempDir(), "handshake.pcapng")
	r := start(t, b, "--tcp", "--until", "fin", "--write", path)
	c := dial(t, a, "tcp4")
	_, err := io.WriteString(c, "Hello")
	require.NoError(t, err)
	_, err = io.ReadFull(c, make([]byte, 5))
	require.NoError(t, err)
	require.NoError(t, c.Close())

	got := r.wait(t)
	for _, part := range []string{
		"ready      capture of packets of TCP\n" +
			"packet A -> 10.30.1.11:50007 SYN seq 0 win ",
		"packet 10.30.1.11:50007 -> A SYN ACK seq 0 ack 1 win ",
		`packet A -> 10.30.1.11:50007 PSH ACK seq 1 ack 1 win `,
		` 5 bytes "Hello"`,
		"packet A -> 10.30.1.11:50007 FIN ACK seq 6 ack 6 win ",
		"packet 10.30.1.11:50007 -> A FIN ACK seq 6 ack 7 win ",
		"packet A -> 10.30.1.11:50007 ACK seq 7 ack 7 win ",
		"lost: 0\n",
	} {
		assert.Contains(t, got, part)
	}
	file := openFile(t, path)
	inFile := 0
	for {
		if _, _, err := file.ReadPacketData(); err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		inFile++
	}
	assert.Equal(t, strings.Count(got, "packet "), inFile)
}

func TestChecksumsAreLeftToACardThatIsNone(t *testing.T) {
	a, b := lan(t)
	r := start(t, b, "--udp", "--layers", "--count", "1")
	_, err := io.WriteString(dial(t, a, "udp4"), "Hello")
	require.NoError(t, err)
	got := r.wait(t)
	assert.Regexp(t, `field      checksum +0x[0-9a-f]{4} +left to the network card; 0x[0-9a-f]{4} would be right\n`, got)
	assert.Regexp(t, `field      header checksum +0x[0-9a-f]{4} +right\n`, got)
	assert.Regexp(t, `field      interface +lan-b +coming in\n`, got)
}

// A datagram of a raw socket whose program writes the IP and the UDP header itself
// has the checksum that the program writes.
func TestAWrongChecksumIsSeen(t *testing.T) {
	a, b := lan(t)
	r := start(t, b, "--udp", "--count", "2")
	datagram := udpFrame(t, []byte("Hello"))
	copy(datagram.data[14+12:], net.IPv4(10, 30, 1, 10).To4())
	copy(datagram.data[14+16:], net.IPv4(10, 30, 1, 11).To4())
	require.NoError(t, a.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		to := &unix.SockaddrInet4{Addr: [4]byte{10, 30, 1, 11}}
		packet := datagram.data[14 : 14+33]
		if err := unix.Sendto(fd, packet, 0, to); err != nil { // right for another destination
			return err
		}
		copy(packet[26:], []byte{0, 0}) // none
		return unix.Sendto(fd, packet, 0, to)
	}))
	got := r.wait(t)
	assert.Contains(t, got, `packet A -> 10.30.1.11:50007 UDP 5 bytes "Hello" (UDP checksum wrong)`+"\n"+
		`packet A -> 10.30.1.11:50007 UDP 5 bytes "Hello"`+"\n")
}

func TestLoopbackShowsEachPacketOnce(t *testing.T) {
	n := nstest.New(t)
	r := start(t, n, "--udp", "--count", "2")
	require.NoError(t, n.Do(func() error {
		c, err := net.Dial("udp4", "127.0.0.1:9")
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err = io.WriteString(c, "one"); err != nil {
			return err
		}
		_, _ = c.Read(make([]byte, 1)) // ECONNREFUSED
		_, err = io.WriteString(c, "two")
		return err
	}))
	got := r.wait(t)
	assert.Equal(t, 1, strings.Count(got, `"one"`))
	assert.Equal(t, 1, strings.Count(got, `"two"`))
}

func TestOneInterfaceAndTheEndBySignal(t *testing.T) {
	a, b := lan(t)
	c := nstest.New(t)
	nstest.Link(t, b, "lan-c", "10.30.2.1/24", c, "lan-c", "10.30.2.10/24")
	all := start(t, b, "--udp", "--log", "json")
	one := start(t, b, "--udp", "--on", "10.30.2.0/24")
	_, err := io.WriteString(dial(t, a, "udp4"), "not there")
	require.NoError(t, err)
	all.stdout.Wait(t, "not there")
	require.NoError(t, c.Do(func() error {
		conn, err := net.Dial("udp4", "10.30.2.1:50007")
		if err != nil {
			return err
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "there")
		return err
	}))
	one.stdout.Wait(t, `"there"`)
	one.cancel()
	assert.NotContains(t, one.wait(t), "not there")
	all.cancel()
	all.wait(t)

	var packet map[string]any
	require.NoError(t, json.Unmarshal([]byte(strings.Split(all.stdout.String(), "\n")[1]), &packet))
	assert.Equal(t, "packet", packet["event"])
	assert.Equal(t, "10.30.1.11:50007", packet["destination"])
	assert.Equal(t, "UDP", packet["protocol"])
	assert.Equal(t, "not there", packet["payload"])
	assert.Equal(t, "left to the network card", packet["UDP checksum"])
}

func TestWithoutNetRaw(t *testing.T) {
	n := nstest.New(t)
	var stdout, stderr nodetest.Log
	require.NoError(t, n.Do(func() error {
		if err := dropCapabilities(); err != nil {
			return err
		}
		assert.Equal(t, 1, node.Run(t.Context(), client(), []string{"capture"}, &stdout, &stderr))
		return nil
	}))
	assert.Empty(t, stdout.String())
	assert.Equal(t, "client: socket: EPERM (1) operation not permitted: AF_PACKET "+
		"(to see packets a program needs root and the capability NET_RAW: in Compose cap_add: [NET_RAW], and no user:)\n", stderr.String())
}

// dropCapabilities takes all capabilities from this thread, which has to end soon.
func dropCapabilities() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	return unix.Capset(&header, &none[0])
}

func TestWrongUse(t *testing.T) {
	for args, want := range map[string]string{
		"--count -1":          "--count -1: must be 0, for no end, or more",
		"--on eth0":           `--on "eth0" is neither an address nor a subnet; write 10.1.1.1 or 10.1.1.0/24`,
		"--on 192.0.2.77":     "--on 192.0.2.77: no interface of this host has such an address",
		"--until syn":         `invalid argument "syn" for "--until" flag: no such moment; there is fin`,
		"--port http":         `invalid argument "http" for "--port" flag: must be a number from 1 to 65535`,
		"--host a.example":    `invalid argument "a.example" for "--host" flag: must be an IP address, such as 10.1.1.10`,
		"something unforseen": `unknown command "something" for "client capture"`,
	} {
		var stdout, stderr nodetest.Log
		status := node.Run(t.Context(), client(), append([]string{"capture"}, strings.Fields(args)...), &stdout, &stderr)
		assert.Equal(t, 2, status, args)
		assert.Equal(t, "client: "+want+" (see: client capture --help)\n", stderr.String())
	}
}

func TestAFileThatCannotBeWritten(t *testing.T) {
	n := nstest.New(t)
	var stdout, stderr nodetest.Log
	require.NoError(t, n.Do(func() error {
		assert.Equal(t, 1, node.Run(t.Context(), client(), []string{"capture", "--write", "/nowhere/a.pcapng"}, &stdout, &stderr))
		return nil
	}))
	assert.Equal(t, "client: --write: open /nowhere/a.pcapng: no such file or directory\n", stderr.String())
	assert.Empty(t, stdout.String(), "not ready")
}
