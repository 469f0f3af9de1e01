package pairing

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/nodes/internal/rendezvous"
)

// TestSlowPartnerReadsNoRequest: a client whose partner takes its time to say that it
// knows must not ask again. The relay has taken its connection for carried by then, and
// the partner would read the request as the first of what the client has to say.
func TestSlowPartnerReadsNoRequest(t *testing.T) {
	r := start(t, config())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	quick, slow := r.dial(t), r.dial(t)
	require.NoError(t, slow.SetDeadline(time.Now().Add(patience)))
	joined := make(chan error, 1)
	go func() { joined <- rendezvous.JoinStream(ctx, quick, guest(t, "token", rendezvous.RelayTCP)) }()

	g := guest(t, "token", rendezvous.RelayTCP)
	next, _ := g.Request()
	for g.State() < rendezvous.StateTold {
		if len(next) > 0 {
			_, err := slow.Write(next)
			require.NoError(t, err)
		}
		b, err := rendezvous.ReadMessage(slow)
		require.NoError(t, err)
		next, err = g.Receive(b)
		require.NoError(t, err)
	}
	// Longer than a client waits at most before it asks again.
	<-time.After(2500 * time.Millisecond)
	_, err := slow.Write(next)
	require.NoError(t, err)
	for met := false; !met; {
		b, err := rendezvous.ReadMessage(slow)
		require.NoError(t, err)
		_, err = g.Receive(b)
		require.NoError(t, err)
		met, err = g.Met()
		require.NoError(t, err)
	}
	require.NoError(t, <-joined)
	_, err = io.WriteString(quick, "Hello")
	require.NoError(t, err)
	require.NoError(t, quick.CloseWrite())
	got, err := io.ReadAll(slow)
	require.NoError(t, err)
	assert.Equal(t, "Hello", string(got))
}
