package charset

import (
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEncodings(t *testing.T) {
	for name, want := range map[Name]string{UTF8: "你好", GBK: "\xc4\xe3\xba\xc3", GB18030: "\xc4\xe3\xba\xc3"} {
		assert.Equal(t, want, string(name.Encode("你好")))
		assert.Equal(t, "你好", name.Strict([]byte(want)))
		for _, b := range []string{want, "你好"} {
			got, err := name.Decode([]byte(b))
			require.NoError(t, err)
			assert.Equal(t, "你好", got)
		}
	}
	assert.Equal(t, "a\x1ab", string(GBK.Encode("a\U0001F600b")), "GBK has no smileys")
	assert.Equal(t, "\xff", string(UTF8.Encode("\xff")))
	_, err := UTF8.Decode([]byte("\xc4\xe3"))
	assert.EqualError(t, err, "the text is not UTF-8; for a Chinese Windows choose --encoding gbk")
}

func TestSet(t *testing.T) {
	var n Name
	require.NoError(t, n.Set("gbk"))
	assert.Equal(t, "gbk", n.String())
	assert.EqualError(t, n.Set("latin"), "no such encoding; choose utf-8, gbk or gb18030")
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{"ls", "\xc4\xe3\xba\xc3", "\xff\xff", "\x81\x30\x81\x30"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, n := range []Name{UTF8, GBK, GB18030} {
			text, err := n.Decode(b)
			if err == nil {
				assert.True(t, utf8.ValidString(text))
			}
			_ = n.Strict(b)
		}
	})
}
