package scenarios

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/crosslan/crosslan/compose"
	"github.com/crosslan/crosslan/lab"
)

// Language is one that lessons are written in.
type Language string

// The languages of the lessons.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// composeFolder is where the Compose files are in the repository, as errors
// name them.
const composeFolder = "compose"

// BuiltIn lists the scenarios that come with this program.
func BuiltIn() ([]Scenario, error) {
	return All(ComposeNumbers(compose.Files))
}

// Project is the name of the Compose project, and of the lab, of a built-in
// scenario.
func Project(scenario string) string { return "crosslan-" + scenario }

// Opened is a scenario, or a Compose file that is not ours, read and checked.
type Opened struct {
	Scenario // of a file that is not ours, only its Name: the file's path
	Topology *lab.Topology
	Lesson   *Lesson // nil if there is none
}

// Open reads a built-in scenario by its name, or any Compose file by its path,
// with the lesson in the language asked for.
func Open(ctx context.Context, name string, language Language) (*Opened, error) {
	if IsFile(name) {
		return openFile(ctx, name)
	}
	all, err := BuiltIn()
	if err != nil {
		return nil, err
	}
	s, err := Find(all, name)
	if err != nil {
		return nil, err
	}
	file := name + ".yml"
	content, err := fs.ReadFile(compose.Files, file)
	if err != nil {
		return nil, fmt.Errorf("read the Compose file of %s: %w", name, err)
	}
	o := &Opened{Scenario: s}
	if o.Topology, err = lab.LoadBytes(ctx, filepath.Join(composeFolder, file), content); err != nil {
		return nil, err
	}
	read := s.Lesson
	if language == Chinese {
		read = s.LessonZh
	}
	if o.Lesson, err = read(); err != nil {
		return nil, err
	}
	return o, o.Lesson.Check(o.Topology.NodeNames(), o.Topology.NetworkNames()...)
}

// OpenRunning reads what a running lab was started from; source is what
// [lab.NodeState] says of it.
func OpenRunning(ctx context.Context, source string) (*Opened, error) {
	if filepath.IsAbs(source) {
		return openFile(ctx, source)
	}
	return Open(ctx, strings.TrimSuffix(filepath.Base(source), filepath.Ext(source)), English)
}

// openFile reads a Compose file that is not ours, and the lesson that it names.
func openFile(ctx context.Context, path string) (*Opened, error) {
	t, err := lab.Load(ctx, path)
	if err != nil {
		return nil, err
	}
	o := &Opened{Scenario: Scenario{Name: path, Number: t.Number}, Topology: t}
	if t.Lesson == "" {
		return o, nil
	}
	file := filepath.Join(filepath.Dir(path), t.Lesson)
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: read the lesson that x-crosslan names: %w", path, err)
	}
	if o.Lesson, err = Parse(file, content); err != nil {
		return nil, err
	}
	return o, o.Lesson.Check(t.NodeNames(), t.NetworkNames()...)
}

// Run brings the scenario up, plays its lesson and takes it down, whatever
// happened. Without a lesson it shows what the nodes have printed by the time
// that they are ready.
func (o *Opened) Run(ctx context.Context, play Options, start ...lab.Option) (result Result, err error) {
	l, err := lab.Start(ctx, o.Topology, start...)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, l.Close(ctx)) }()
	if o.Lesson == nil {
		return Result{}, o.showLogs(ctx, l, play.withDefaults())
	}
	return Play(ctx, o.Lesson, OnLab(l), play)
}

func (o *Opened) showLogs(ctx context.Context, l *lab.Lab, play Options) error {
	fmt.Fprintf(play.Out, "%s is up; it has no lesson to play\n\n%s", o.Topology.Name, o.Topology.Draw())
	for _, name := range o.Topology.NodeNames() {
		fmt.Fprintf(play.Out, "\n%s has printed:\n", name)
		if err := l.Node(name).Logs(ctx, play.Out, false); err != nil {
			return err
		}
	}
	return nil
}
