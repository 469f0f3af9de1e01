package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The files of a scenario's folder.
const (
	englishFile = "lesson.md"
	chineseFile = "lesson.zh.md"
)

// lessonsFolder is where the lessons are in the repository, as errors name
// them.
const lessonsFolder = "scenarios"

// Scenario is an entry of the catalogue.
type Scenario struct {
	Number     int    `json:"number"`     // its place in the catalogue and in the address plan
	Name       string `json:"name"`       // of its folder, its Compose file and its test
	Question   string `json:"question"`   // that its lesson answers
	Teaches    string `json:"teaches"`    // a few words
	QuestionZh string `json:"questionZh"` // in Chinese; empty if there is no Chinese lesson
	TeachesZh  string `json:"teachesZh"`

	lessons fs.FS
}

// All lists the scenarios whose lessons are built in. See [Catalogue].
func All(number func(name string) (int, error)) ([]Scenario, error) {
	return Catalogue(Lessons, number)
}

// Catalogue lists the scenarios whose lessons are in the file system, a folder
// each, in the order of their numbers; [ComposeNumbers] says where to find
// those.
func Catalogue(lessons fs.FS, number func(name string) (int, error)) ([]Scenario, error) {
	files, err := fs.Glob(lessons, "*/"+englishFile)
	if err != nil {
		return nil, fmt.Errorf("list the lessons: %w", err)
	}
	var all []Scenario
	for _, f := range files {
		s, err := readScenario(lessons, path.Dir(f), number)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b Scenario) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), strings.Compare(a.Name, b.Name))
	})
	for i := 1; i < len(all); i++ {
		if a, b := all[i-1], all[i]; a.Number == b.Number {
			return nil, fmt.Errorf("scenarios %s and %s both have number %d; give each its own in its Compose file", a.Name, b.Name, a.Number)
		}
	}
	return all, nil
}

func readScenario(lessons fs.FS, name string, number func(string) (int, error)) (Scenario, error) {
	s := Scenario{Name: name, lessons: lessons}
	var err error
	if s.Number, err = number(name); err != nil {
		return Scenario{}, err
	}
	if s.Question, s.Teaches, err = s.title(englishFile); err != nil {
		return Scenario{}, err
	}
	s.QuestionZh, s.TeachesZh, err = s.title(chineseFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Scenario{}, err
	}
	return s, nil
}

// title reads what a lesson says of itself.
func (s Scenario) title(file string) (question, teaches string, err error) {
	l, err := s.read(file)
	if err != nil {
		return "", "", err
	}
	if l.Name != s.Name || l.Question == "" {
		return "", "", &Problem{File: l.File, Line: 1, What: "no title with the scenario's name and question",
			Do: fmt.Sprintf(`write "# %s: QUESTION"`, s.Name)}
	}
	if l.Teaches == "" {
		return "", "", &Problem{File: l.File, Line: 1, What: "nothing says what the lesson teaches",
			Do: "write it in italics, *like this*, as a paragraph after the title"}
	}
	return l.Question, l.Teaches, nil
}

// Lesson reads the scenario's lesson.
func (s Scenario) Lesson() (*Lesson, error) { return s.read(englishFile) }

// LessonZh reads the scenario's lesson in Chinese.
func (s Scenario) LessonZh() (*Lesson, error) { return s.read(chineseFile) }

func (s Scenario) read(file string) (*Lesson, error) {
	src, err := fs.ReadFile(s.lessons, path.Join(s.Name, file))
	if err != nil {
		return nil, fmt.Errorf("read the lesson of %s: %w", s.Name, err)
	}
	return Parse(path.Join(lessonsFolder, s.Name, file), src)
}

// ComposeNumbers returns a function that reads a scenario's number from its
// Compose file, NAME.yml in the file system, where it stands as
//
//	x-crosslan: {number: 4}
func ComposeNumbers(compose fs.FS) func(name string) (int, error) {
	return func(name string) (int, error) {
		file := name + ".yml"
		src, err := fs.ReadFile(compose, file)
		if err != nil {
			return 0, fmt.Errorf("read the number of scenario %s: %w", name, err)
		}
		var project struct {
			Crosslan struct {
				Number int `yaml:"number"`
			} `yaml:"x-crosslan"`
		}
		if err := yaml.Unmarshal(src, &project); err != nil {
			return 0, fmt.Errorf("read the number of scenario %s: compose/%s: %w", name, file, err)
		}
		if project.Crosslan.Number < 1 {
			return 0, fmt.Errorf("compose/%s: scenario %s has no number; write x-crosslan: {number: N}", file, name)
		}
		return project.Crosslan.Number, nil
	}
}
