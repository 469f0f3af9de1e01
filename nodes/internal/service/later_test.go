package service

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLaterReadsItsRequest(t *testing.T) {
	delay, text, err := parseLater([]byte("1500ms hello, you\r\n"))
	assert.NoError(t, err)
	assert.Equal(t, 1500*time.Millisecond, delay)
	assert.Equal(t, "hello, you", string(text))
	for _, bad := range []string{"", "hello", "3s", "3s ", "-1s hello", "1h hello", "x hello", " hello"} {
		_, _, err := parseLater([]byte(bad))
		assert.Error(t, err, bad)
	}
}

func FuzzLater(f *testing.F) {
	f.Add([]byte("3s hello"))
	f.Add([]byte("9999999999h x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		delay, text, err := parseLater(b)
		if err == nil && (delay < 0 || delay > maxDelay || len(text) == 0) {
			t.Errorf("%q: %v, %q", b, delay, text)
		}
	})
}
