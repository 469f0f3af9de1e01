package service

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/conformance"
)

// TestConformance plays every transcript to the server, in every mode. A request
// without an end may pause longer than by default: the bytes of a busy machine's
// client come slowly.
func TestConformance(t *testing.T) {
	for _, service := range conformance.Services() {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			name, transport := service, " tcp"
			if n, udp := strings.CutSuffix(service, "-udp"); udp {
				name, transport = n, " udp"
			}
			server := runWith(t, []string{"--dir", t.TempDir(), "--settle", "500ms"}, name+"=127.0.0.1:0")
			results, err := conformance.Run(context.Background(), server.addr(t, name+transport), service)
			require.NoError(t, err)
			assert.NotEmpty(t, results)
			for _, r := range results {
				assert.NoError(t, r.Err, r.String())
			}
			if t.Failed() {
				t.Log(server.log)
			}
		})
	}
}

// tutorials are the services of the tutorials.
var tutorials = []string{"chat", "echo", "file", "http", "menu", "reply", "shell", "shell-length", "sink", "upper"}

func TestEveryServiceHasTranscripts(t *testing.T) {
	for _, name := range tutorials {
		assert.NotEmpty(t, conformance.Transcripts(name), name)
	}
}
