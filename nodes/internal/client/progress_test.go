package client

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/crosslan/crosslan/nodes/internal/node"
)

func TestProgressIsAnEventForEachTenth(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(node.NewEvents(&out, node.Text), &out, 2<<20)
	for _, done := range []int64{1, 500_000, 500_001, 2<<20 - 1, 2 << 20} {
		p.add(done)
	}
	assert.Equal(t, `progress    10 % of 2097152 bytes
progress    20 % of 2097152 bytes
progress    30 % of 2097152 bytes
progress    40 % of 2097152 bytes
progress    50 % of 2097152 bytes
progress    60 % of 2097152 bytes
progress    70 % of 2097152 bytes
progress    80 % of 2097152 bytes
progress    90 % of 2097152 bytes
progress   100 % of 2097152 bytes
`, out.String())
}

func TestProgressIsABarOnATerminal(t *testing.T) {
	var out, events bytes.Buffer
	p := newProgress(node.NewEvents(&events, node.Text), nil, 20)
	p.bar = &out
	for _, done := range []int64{1, 2, 10, 20} {
		p.add(done)
	}
	assert.Equal(t, "\rprogress   [#.........]  10 % of 20 bytes"+
		"\rprogress   [#####.....]  50 % of 20 bytes"+
		"\rprogress   [##########] 100 % of 20 bytes\n", out.String())
	assert.Empty(t, events.String())
}
