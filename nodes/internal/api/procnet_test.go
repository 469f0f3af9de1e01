package api

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Of a little-endian machine; so are all that the images are made for.
const procTCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:C357 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0A01010A:C357 0B01010A:A028 06 00000000:00000000 03:00000F2B 00000000     0        0 0 3 0
`

const procTCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: B80D0120010001000000000001000000:C357 B80D0120010001000000000002000000:A028 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
`

func TestFindConn(t *testing.T) {
	tests := []struct{ table, local, remote, want string }{
		{procTCP, "10.1.1.10:50007", "10.1.1.11:41000", "TIME_WAIT"},
		{procTCP, "0.0.0.0:50007", "0.0.0.0:0", "LISTEN"},
		{procTCP, "10.1.1.11:41000", "10.1.1.10:50007", "none"},
		{procTCP6, "[2001:db8:1:1::1]:50007", "[2001:db8:1:1::2]:41000", "ESTABLISHED"},
	}
	for _, test := range tests {
		got, err := findConn([]byte(test.table), netip.MustParseAddrPort(test.local), netip.MustParseAddrPort(test.remote))
		require.NoError(t, err)
		assert.Equal(t, test.want, got, test.local)
	}
}

func TestFindConnRejectsWhatItCannotRead(t *testing.T) {
	for _, line := range []string{"0: 0A01:C357 0B01010A:A028 06", "0: zz01010A:C357 0B01010A:A028 06", "0: 0A01010A 0B01010A:A028 06"} {
		_, err := findConn([]byte("heading\n"+line+"\n"), loopback, loopback)
		assert.ErrorContains(t, err, "/proc/net/tcp", line)
	}
}

func TestUDPCounter(t *testing.T) {
	_, err := udpCounter("InDatagrams")
	assert.NoError(t, err)
	_, err = udpCounter("NoSuchCounter")
	assert.EqualError(t, err, "/proc/net/snmp has no NoSuchCounter of UDP")
}

// TestChecksum has the example of RFC 1071, section 3.
func TestChecksum(t *testing.T) {
	b := []byte{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}
	assert.Equal(t, ^uint16(0xddf2), checksum(b))
	assert.Equal(t, ^uint16(0xddf2), checksum(append(b, 0)))
	assert.Equal(t, checksum([]byte{1, 2, 3, 0}), checksum([]byte{1, 2, 3}))
}
