package capture

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestACaptureFileCanBeReadWhileItGrows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pcapng")
	out, err := createFile(path)
	require.NoError(t, err)
	lan := udpFrame(t, []byte("Hello"))
	tunnel := udpFrame(t, []byte("Hello"))
	tunnel.data, tunnel.headless, tunnel.link, tunnel.index = tunnel.data[14:], true, "tun", 3
	require.NoError(t, out.write(lan))
	require.NoError(t, out.write(tunnel))
	require.NoError(t, out.write(lan))

	r := openFile(t, path)
	for _, want := range []frame{lan, tunnel, lan} {
		data, info, err := r.ReadPacketData()
		require.NoError(t, err)
		assert.Equal(t, want.data, data)
		assert.True(t, midday.Equal(info.Timestamp))
		intf, err := r.Interface(info.InterfaceIndex)
		require.NoError(t, err)
		assert.Equal(t, want.link, intf.Name)
		assert.Equal(t, map[string]layers.LinkType{"lan": layers.LinkTypeEthernet, "tun": layers.LinkTypeRaw}[want.link], intf.LinkType)
	}
	require.NoError(t, out.close())
}

func TestACaptureFileWithoutPackets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.pcapng")
	out, err := createFile(path)
	require.NoError(t, err)
	require.NoError(t, out.close())
	_, _, err = openFile(t, path).ReadPacketData()
	assert.EqualError(t, err, "EOF")
}

func openFile(t *testing.T, path string) *pcapgo.NgReader {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, f.Close()) })
	o := pcapgo.DefaultNgReaderOptions
	o.WantMixedLinkType = true
	r, err := pcapgo.NewNgReader(f, o)
	require.NoError(t, err)
	return r
}
