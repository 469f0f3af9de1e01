package addr

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestListen(t *testing.T) {
	for in, want := range map[string]string{
		"":             "0.0.0.0:7",
		":9081":        "0.0.0.0:9081",
		":0":           "0.0.0.0:0",
		"127.0.0.1":    "127.0.0.1:7",
		"127.0.0.1:80": "127.0.0.1:80",
		"[::]:80":      "[::]:80",
		"::1":          "[::1]:7",
	} {
		got, err := Listen(in, 7)
		require.NoError(t, err, in)
		assert.Equal(t, want, got.String(), in)
	}
	for in, want := range map[string]string{
		"80":              `"80" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000`,
		":65536":          `":65536": port "65536" is not a number from 0 to 65535`,
		":-1":             `":-1": port "-1" is not a number from 0 to 65535`,
		":":               `":": port "" is not a number from 0 to 65535`,
		"10.1.1.300:80":   `"10.1.1.300:80": "10.1.1.300" is not an IP address`,
		"a.example:80":    `"a.example:80": "a.example" is not an IP address`,
		"10.1.1.1:80:80":  `"10.1.1.1:80:80" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000`,
		"[10.1.1.1:80":    `"[10.1.1.1:80" is not an address; write 10.1.1.10:4000, :4000, or [2001:db8::1]:4000`,
		"10.1.1.1:http\n": `"10.1.1.1:http\n": port "http\n" is not a number from 0 to 65535`,
	} {
		_, err := Listen(in, 7)
		assert.EqualError(t, err, want, in)
	}
}

func TestLocalLeavesTheFamilyOpen(t *testing.T) {
	got, err := Local(":4000")
	require.NoError(t, err)
	assert.Equal(t, netip.AddrPortFrom(netip.Addr{}, 4000), got)
	got, err = Local("10.1.1.10")
	require.NoError(t, err)
	assert.Equal(t, "10.1.1.10:0", got.String())
	got, err = Local("::1")
	require.NoError(t, err)
	assert.Equal(t, "[::1]:0", got.String())
}

func TestParseRemote(t *testing.T) {
	for _, in := range []string{"10.1.1.10:50007", "server:1", "host-a2.example:65535", "[2001:db8::1]:80", "服务器:80"} {
		got, err := ParseRemote(in, 50007)
		require.NoError(t, err, in)
		assert.Equal(t, in, got.String())
	}
	for in, want := range map[string]string{
		"":               `"" is not an address; write 10.1.1.10:50007, name:50007 or [2001:db8::1]:50007`,
		"10.1.1.10":      `"10.1.1.10" has no port; write 10.1.1.10:50007`,
		"server":         `"server" has no port; write server:50007`,
		"2001:db8::1":    `"2001:db8::1" has no port; write [2001:db8::1]:50007`,
		":50007":         `":50007" has no host; write 127.0.0.1:50007 for this machine`,
		"10.1.1.300:80":  `"10.1.1.300:80": "10.1.1.300" is neither an IP address nor a name`,
		"a b:80":         `"a b:80": "a b" is neither an IP address nor a name`,
		"10.1.1.10:0":    `"10.1.1.10:0": port "0" is not a number from 1 to 65535`,
		"10.1.1.10:http": `"10.1.1.10:http": port "http" is not a number from 1 to 65535`,
		"10.1.1.10:":     `"10.1.1.10:": port "" is not a number from 1 to 65535`,
		"1:2:3:4":        `"1:2:3:4" is not an address; write 10.1.1.10:50007, name:50007 or [2001:db8::1]:50007`,
	} {
		_, err := ParseRemote(in, 50007)
		assert.EqualError(t, err, want, in)
	}
}

func TestOfUnmaps(t *testing.T) {
	mapped := &net.TCPAddr{IP: net.ParseIP("::ffff:10.1.1.1"), Port: 5}
	assert.Equal(t, "10.1.1.1:5", Of(mapped).String())
	assert.False(t, Of(&net.UnixAddr{}).IsValid())
}
