package api

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// connState is the state of the connection that this kernel holds between two
// transport addresses, as /proc/net/tcp has it: also when no process has it open
// any more. It is "none" if there is none.
func connState(local, remote netip.AddrPort) (string, error) {
	table := "/proc/net/tcp"
	if local.Addr().Is6() {
		table = "/proc/net/tcp6"
	}
	b, err := os.ReadFile(table)
	if err != nil {
		return "", err
	}
	return findConn(b, local, remote)
}

// findConn looks a connection up in the text of /proc/net/tcp.
func findConn(table []byte, local, remote netip.AddrPort) (string, error) {
	lines := bufio.NewScanner(bytes.NewReader(table))
	lines.Scan() // the heading
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 4 {
			continue
		}
		l, err := procAddr(fields[1])
		if err != nil {
			return "", err
		}
		r, err := procAddr(fields[2])
		if err != nil {
			return "", err
		}
		if l != local || r != remote {
			continue
		}
		n, err := strconv.ParseUint(fields[3], 16, 8)
		if err != nil {
			return "", fmt.Errorf("/proc/net/tcp: state %q: %w", fields[3], err)
		}
		return tcpState(int(n)), nil
	}
	return "none", lines.Err()
}

// procAddr reads an address such as 0100007F:C357: words in the machine's own byte
// order, and the port as a number.
func procAddr(s string) (netip.AddrPort, error) {
	ip, portText, _ := strings.Cut(s, ":")
	port, err := strconv.ParseUint(portText, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("/proc/net/tcp: address %q: %w", s, err)
	}
	b, err := hex.DecodeString(ip)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("/proc/net/tcp: address %q: %w", s, err)
	}
	for i := 0; i+4 <= len(b); i += 4 {
		binary.BigEndian.PutUint32(b[i:], binary.NativeEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("/proc/net/tcp: address %q is neither IPv4 nor IPv6", s)
	}
	return netip.AddrPortFrom(a, uint16(port)), nil
}

// settled waits until a connection that is being closed has come to rest, and
// prints the state that this kernel keeps it in.
func (s *story) settled(local, remote netip.AddrPort, note text) {
	var state string
	s.until("wait for the end of the connection", func() (_ bool, err error) {
		state, err = connState(local, remote)
		return state == "none" || state == "TIME_WAIT", err
	})
	_ = s.make(newCall("/proc/net/tcp", note, local, remote), func() (string, error) { return state, nil })
}

// udpCounter is a counter of UDP in the text of /proc/net/snmp, such as
// InCsumErrors: a line of names, and under it a line of values.
func udpCounter(name string) (int, error) {
	b, err := os.ReadFile("/proc/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] != "Udp:" {
			continue
		}
		if names == nil {
			names = fields
			continue
		}
		for i, n := range names {
			if n == name && i < len(fields) {
				return strconv.Atoi(fields[i])
			}
		}
	}
	return 0, fmt.Errorf("/proc/net/snmp has no %s of UDP", name)
}
