package tunnel

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

func TestBadInputIsOneClearLine(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"relay", "127.0.0.1:7000"}, "which token? Give --token or --token-file, the same as the client's"},
		{[]string{"relay", "nowhere:7000", "--token", "T"}, `"nowhere" is not an IP address`},
		{[]string{"relay", ":7000", "--token", "T", "--allow-ports", "0"}, `--allow-ports "0": port "0" is not a number from 1 to 65535`},
		{[]string{"relay", ":7000", "--token", "T", "--publish-on", "x"}, `--publish-on "x": want an IP address of this host`},
		{[]string{"relay", ":7000", "--token", "T", "--lifetime", "0s"}, "--lifetime 0s: want a duration above 0"},
		{[]string{"relay", ":7000", "--token", "T", "--token-file", "f"}, "[token token-file] were all set"},
		{[]string{"relay", ":7000", "--token-file", "/nonexistent"}, "--token-file /nonexistent: no such file or directory"},
		{[]string{"relay", ":7000", "--token-file", empty}, "the file is empty"},
		{[]string{"client", "127.0.0.1:7000", "tcp:80=127.0.0.1:80"}, "which token?"},
		{[]string{"client", "127.0.0.1", "tcp:80=127.0.0.1:80", "--token", "T"}, `"127.0.0.1" has no port; write 127.0.0.1:7000`},
		{[]string{"client", "127.0.0.1:7000", "--token", "T"}, "requires at least 2 arg(s)"},
		{[]string{"client", "127.0.0.1:7000", "80=127.0.0.1:80", "--token", "T"}, "want PROTOCOL:PORT=TARGET, such as tcp:8080=127.0.0.1:8080"},
		{[]string{"client", "127.0.0.1:7000", "tcp:0=127.0.0.1:80", "--token", "T"}, `port "0" is not a number from 1 to 65535`},
		{[]string{"client", "127.0.0.1:7000", "tcp:80=127.0.0.1", "--token", "T"}, `"127.0.0.1" has no port; write 127.0.0.1:80`},
		{[]string{"client", "127.0.0.1:7000", "tcp:80=a:1", "tcp:80=b:1", "--token", "T"}, "tcp 80 is to be published twice"},
	} {
		root := &cobra.Command{Use: "test"}
		relay, client := RelayCommand(), Command()
		relay.Use, client.Use = "relay LISTEN", "client RELAY FORWARD..."
		root.AddCommand(relay, client)
		var stderr bytes.Buffer
		status := node.Run(context.Background(), root, c.args, io.Discard, &stderr)
		assert.Equal(t, 2, status, "%v", c.args)
		assert.Contains(t, stderr.String(), c.want)
		assert.Equal(t, 1, bytes.Count(stderr.Bytes(), []byte("\n")), "%s", stderr.String())
	}
}
