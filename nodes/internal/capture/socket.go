package capture

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/crosslan/crosslan/nodes/internal/errno"
)

const (
	// vnetHeader is the size of struct virtio_net_hdr, which precedes each frame.
	vnetHeader = 10

	// maxFrame is the most that a socket hands over: a packet of 64 KiB that is yet
	// to be cut into segments, its link-layer header, and the header above.
	maxFrame = 64<<10 + 256

	// receiveBuffer is asked for; the kernel gives net.core.rmem_max at most.
	receiveBuffer = 4 << 20
)

// socket is a packet socket (packet(7)): it gets a copy of every frame that goes
// through the interfaces of its network namespace. The capture handles of pcapgo
// and mdlayher/packet are not it: they bind to one interface, and do not tell a
// checksum that is left to the network card from a wrong one.
type socket struct {
	file  *os.File
	raw   syscall.RawConn
	buf   [maxFrame]byte
	oob   [128]byte
	names map[int]string // of the interfaces, by index
}

// open returns a socket that gets the frames of one interface, or of all for index
// 0, from now on. Until it is bound a socket of no protocol gets none, so nothing
// arrives before the options are set.
func open(index int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, openError(err)
	}
	s := &socket{file: os.NewFile(uintptr(fd), "packet socket"), names: map[int]string{}}
	if err := s.prepare(fd, index); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

func (s *socket) prepare(fd, index int) (err error) {
	if s.raw, err = s.file.SyscallConn(); err != nil {
		return err
	}
	interfaces, err := net.Interfaces()
	if err != nil {
		return fmt.Errorf("list the interfaces: %w", err)
	}
	for _, i := range interfaces {
		s.names[i.Index] = i.Name
	}
	return s.set(fd, index)
}

func openError(err error) error {
	detail := "AF_PACKET"
	if errors.Is(err, unix.EPERM) {
		detail += " (to see packets a program needs root and the capability NET_RAW: in Compose cap_add: [NET_RAW], and no user:)"
	}
	return errno.Wrap("socket", err, detail)
}

func (s *socket) set(fd, index int) error {
	// The header that comes with each frame says what the frame alone does not:
	// that its checksum, or its cutting into segments, is left to the network card.
	if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VNET_HDR, 1); err != nil {
		return errno.Wrap("setsockopt", err, "PACKET_VNET_HDR")
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return errno.Wrap("setsockopt", err, "SO_TIMESTAMPNS")
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, receiveBuffer); err != nil {
		return errno.Wrap("setsockopt", err, "SO_RCVBUF")
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index}); err != nil {
		return errno.Wrap("bind", err, "AF_PACKET")
	}
	return nil
}

// networkOrder swaps the bytes of a number where the machine's order is not the
// network's.
func networkOrder(n uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], n)
	return binary.NativeEndian.Uint16(b[:])
}

func (s *socket) close() error { return s.file.Close() }

// interrupt makes next return os.ErrDeadlineExceeded, now and from now on.
func (s *socket) interrupt() { _ = s.file.SetReadDeadline(time.Unix(1, 0)) }

// next waits for the next frame. Its data is good until the next call.
func (s *socket) next() (frame, error) {
	for {
		n, oobn, flags, from, err := s.receive()
		switch {
		case errors.Is(err, unix.EINVAL):
			continue // a packet that is to be cut in a way the header has no word for
		case err != nil:
			return frame{}, err
		}
		link, ok := from.(*unix.SockaddrLinklayer)
		// What a host sends to itself passes the loopback interface twice.
		if !ok || n < vnetHeader || link.Hatype == unix.ARPHRD_LOOPBACK && link.Pkttype == unix.PACKET_OUTGOING {
			continue
		}
		f := s.frame(s.buf[:n], link)
		f.cut = flags&unix.MSG_TRUNC != 0
		f.at = timestamp(s.oob[:oobn])
		return f, nil
	}
}

func (s *socket) receive() (n, oobn, flags int, from unix.Sockaddr, err error) {
	waitErr := s.raw.Read(func(fd uintptr) bool {
		n, oobn, flags, from, err = unix.Recvmsg(int(fd), s.buf[:], s.oob[:], 0)
		return !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
	})
	if waitErr != nil {
		return 0, 0, 0, nil, waitErr
	}
	if err != nil {
		return 0, 0, 0, nil, errno.Wrap("recvmsg", err, "AF_PACKET")
	}
	return n, oobn, flags, from, nil
}

// frame returns what b, with its struct virtio_net_hdr, and the link-layer address
// say (linux/virtio_net.h).
func (s *socket) frame(b []byte, link *unix.SockaddrLinklayer) frame {
	const needsChecksum = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM
	f := frame{
		data:     b[vnetHeader:],
		link:     s.name(link.Ifindex),
		index:    link.Ifindex,
		outgoing: link.Pkttype == unix.PACKET_OUTGOING,
		unsummed: b[0]&needsChecksum != 0,
		protocol: networkOrder(link.Protocol),
		headless: link.Hatype == unix.ARPHRD_NONE,
	}
	if b[1] != 0 { // gso_type
		f.segment = int(binary.NativeEndian.Uint16(b[4:]))
	}
	return f
}

// name returns the name of an interface, also of one that has come since the socket was
// opened. One that is gone already is its number.
func (s *socket) name(index int) string {
	if name, ok := s.names[index]; ok {
		return name
	}
	name := fmt.Sprintf("interface %d", index)
	if i, err := net.InterfaceByIndex(index); err == nil {
		name = i.Name
	}
	s.names[index] = name
	return name
}

// lost returns how many frames found no room in the receive buffer since the last
// call.
func (s *socket) lost() (int, error) {
	var stats *unix.TpacketStats
	var err error
	if controlErr := s.raw.Control(func(fd uintptr) {
		stats, err = unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
	}); controlErr != nil {
		return 0, controlErr
	}
	if err != nil {
		return 0, errno.Wrap("getsockopt", err, "PACKET_STATISTICS")
	}
	return int(stats.Drops), nil
}

// timestamp returns the time at which the kernel saw the frame.
func timestamp(oob []byte) time.Time {
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return time.Now()
	}
	for _, m := range messages {
		var ts unix.Timespec
		if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(ts)) {
			copy(unsafe.Slice((*byte)(unsafe.Pointer(&ts)), unsafe.Sizeof(ts)), m.Data)
			return time.Unix(ts.Unix())
		}
	}
	return time.Now()
}
