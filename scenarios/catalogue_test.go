package scenarios

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/crosslan/crosslan/compose"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func lessons() fstest.MapFS {
	return fstest.MapFS{
		"relay/lesson.md":       file("# relay: Who carries our bytes?\n\n*relay, observed address*\n"),
		"relay/lesson.zh.md":    file("# relay：谁来搬运我们的字节？\n\n*中继*\n"),
		"same-lan/lesson.md":    file("# same-lan: How do two programs find each other?\n\n*socket, bind*\n"),
		"catalogue.go":          file("package scenarios"),
		"testdata/fuzz/FuzzX/1": file(""),
	}
}

func numbers(name string) (int, error) {
	n, ok := map[string]int{"relay": 4, "same-lan": 1}[name]
	if !ok {
		return 0, errors.New("no number for " + name)
	}
	return n, nil
}

func TestCatalogue(t *testing.T) {
	all, err := Catalogue(lessons(), numbers)
	require.NoError(t, err)
	require.Len(t, all, 2)
	s := all[1]
	s.lessons = nil
	assert.Equal(t, Scenario{Number: 4, Name: "relay", Question: "Who carries our bytes?", Teaches: "relay, observed address",
		QuestionZh: "谁来搬运我们的字节？", TeachesZh: "中继"}, s)
	assert.Equal(t, "same-lan", all[0].Name, "in the order of numbers, not of names")
	assert.Empty(t, all[0].QuestionZh)

	l, err := all[1].Lesson()
	require.NoError(t, err)
	assert.Equal(t, "scenarios/relay/lesson.md", l.File)
	l, err = all[1].LessonZh()
	require.NoError(t, err)
	assert.Equal(t, "scenarios/relay/lesson.zh.md", l.File)
	_, err = all[0].LessonZh()
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestCatalogueMistakes(t *testing.T) {
	for name, c := range map[string]struct{ path, text, want string }{
		"another name": {"relay/lesson.md", "# rely: Who?\n\n*x*\n", `scenarios/relay/lesson.md:1: no title with the scenario's name and question; write "# relay: QUESTION"`},
		"no question":  {"relay/lesson.md", "# relay:\n\n*x*\n", `scenarios/relay/lesson.md:1: no title with the scenario's name and question; write "# relay: QUESTION"`},
		"no topics":    {"relay/lesson.zh.md", "# relay：谁？\n\n中继\n", `scenarios/relay/lesson.zh.md:1: nothing says what the lesson teaches; write it in italics, *like this*, as a paragraph after the title`},
		"no number":    {"routed/lesson.md", "# routed: What?\n\n*x*\n", `no number for routed`},
		"not playable": {"relay/lesson.md", "# relay: Who?\n\n*x*\n\n```console\nx\n```\n", `scenarios/relay/lesson.md:6: expected output before any command; begin the block with a line like "host-a$ client ..."`},
	} {
		t.Run(name, func(t *testing.T) {
			files := lessons()
			files[c.path] = file(c.text)
			_, err := Catalogue(files, numbers)
			require.EqualError(t, err, c.want)
		})
	}
	_, err := Catalogue(lessons(), func(string) (int, error) { return 4, nil })
	require.EqualError(t, err, "scenarios relay and same-lan both have number 4; give each its own in its Compose file")
}

func TestComposeNumbers(t *testing.T) {
	number := ComposeNumbers(fstest.MapFS{
		"relay.yml":   file("name: crosslan-relay\nx-crosslan: {number: 4}\nservices: {}\n"),
		"routed.yml":  file("name: crosslan-routed\n"),
		"hairpin.yml": file("x-crosslan: {number: four}\n"),
	})
	n, err := number("relay")
	require.NoError(t, err)
	assert.Equal(t, 4, n)

	_, err = number("routed")
	require.EqualError(t, err, "compose/routed.yml: scenario routed has no number; write x-crosslan: {number: N}")
	_, err = number("hairpin")
	require.ErrorContains(t, err, "read the number of scenario hairpin: compose/hairpin.yml: ")
	_, err = number("nowhere")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "read the number of scenario nowhere: ")
}

// TestLessons checks every lesson that is built in: it is in the catalogue,
// in both languages, with the same blocks.
func TestLessons(t *testing.T) {
	all, err := All(ComposeNumbers(compose.Files))
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			en, err := s.Lesson()
			require.NoError(t, err)
			zh, err := s.LessonZh()
			require.NoError(t, err)
			require.NoError(t, SameBlocks(en, zh))
		})
	}
}
