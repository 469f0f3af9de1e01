package relaybench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/pion/turn/v5"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

// sessions is how many sockets a flood comes from, and so sessions or allocations of
// the relay.
const sessions = 8

// floodBatch is how many datagrams a socket of a flood sends in one system call.
const floodBatch = 32

// Credentials of the TURN servers.
const turnUser, turnPassword, turnRealm = "bench", "mark", "crosslan"

// floodRole sends datagrams of args[2] bytes to args[1] without pause, one by one, or in
// runs by UDP_SEGMENT where args[3] says so; where args[0] is turn, by channels of a
// TURN server at args[1] to the server.
func floodRole(args []string) error {
	to, err := netip.ParseAddrPort(args[1])
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	failed := make(chan error, sessions)
	var sockets []*net.UDPConn
	datagram := make([]byte, size)
	if args[0] == "turn" {
		datagram = channelData(size)
	}
	for range sessions {
		c, err := net.ListenUDP("udp4", nil)
		if err != nil {
			return err
		}
		sockets = append(sockets, c)
		if args[0] == "turn" {
			if err := bindChannel(c, args[1]); err != nil {
				return err
			}
		}
	}
	if args[0] == "turn" {
		// pion's client does not say when it has bound its channel. What is sent before
		// is dropped by the server, and not in the measurement, which begins later.
		time.Sleep(bindTime)
	}
	fmt.Println("ready")
	for _, c := range sockets {
		go func() {
			if args[3] == "runs" {
				failed <- floodRuns(c, to, datagram)
			} else {
				failed <- floodOneByOne(c, to, datagram)
			}
		}()
	}
	return <-failed
}

// floodRuns has the kernel cut each write into datagrams.
func floodRuns(c *net.UDPConn, to netip.AddrPort, datagram []byte) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	if err := raw.Control(func(fd uintptr) {
		err = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, len(datagram))
	}); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	var run []byte
	for range floodBatch {
		run = append(run, datagram...)
	}
	for {
		if _, err := c.WriteToUDPAddrPort(run, to); err != nil && !passing(err) {
			return err
		}
	}
}

func floodOneByOne(c *net.UDPConn, to netip.AddrPort, datagram []byte) error {
	p := ipv4.NewPacketConn(c)
	messages := make([]ipv4.Message, floodBatch)
	for i := range messages {
		messages[i] = ipv4.Message{Buffers: [][]byte{datagram}, Addr: net.UDPAddrFromAddrPort(to)}
	}
	for {
		if _, err := p.WriteBatch(messages, 0); err != nil && !passing(err) {
			return err
		}
	}
}

// passing reports whether err is one that a flood goes on after.
func passing(err error) bool {
	return errors.Is(err, unix.ENOBUFS) || errors.Is(err, unix.ECONNREFUSED)
}

// bindTime is how long the last channel may take to be bound.
const bindTime = 200 * time.Millisecond

// firstChannel is the number of the first channel of an allocation (RFC 8656 section 12).
const firstChannel = 0x4000

// channelData is a ChannelData message with size bytes (RFC 8656 section 12.4).
func channelData(size int) []byte {
	b := binary.BigEndian.AppendUint16(nil, firstChannel)
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	return append(b, make([]byte, size)...)
}

// bindChannel makes an allocation at the TURN server at address, and binds a channel to
// the benchmark's server, by pion's client.
func bindChannel(c *net.UDPConn, address string) error {
	client, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: address, Conn: c, Username: turnUser, Password: turnPassword, Realm: turnRealm,
	})
	if err != nil {
		return err
	}
	if err := client.Listen(); err != nil {
		return err
	}
	relayed, err := client.Allocate()
	if err != nil {
		return fmt.Errorf("allocate: %w", err)
	}
	peer, err := net.ResolveUDPAddr("udp", server)
	if err != nil {
		return err
	}
	// The first datagram goes by an indication, and has the client bind a channel.
	_, err = relayed.WriteTo([]byte("by indication"), peer)
	return err
}
