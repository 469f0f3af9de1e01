package nodetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// givenPorts are those that FreePort has returned.
var givenPorts sync.Map

// FreePort is a port that nobody has at any IPv4 address, over TCP or UDP, and that no call
// before has returned. It is below those that the kernel gives to sockets that do not ask for
// one (net.ipv4.ip_local_port_range), so it stays free until the test takes it.
func FreePort(t testing.TB) uint16 {
	t.Helper()
	for range 1000 {
		port := uint16(10000 + rand.IntN(20000))
		if isFree(port) != nil {
			continue
		}
		if _, given := givenPorts.LoadOrStore(port, true); !given {
			return port
		}
	}
	require.Fail(t, "no port is free")
	return 0
}

func isFree(port uint16) error {
	at := fmt.Sprintf("0.0.0.0:%d", port)
	l, err := net.Listen("tcp4", at)
	if err != nil {
		return err
	}
	c, err := net.ListenPacket("udp4", at)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	return errors.Join(l.Close(), c.Close())
}
