package scenarios

import (
	"cmp"
	"context"
	"io"
	"time"
)

// The time limits of a lesson where [Options] says none.
const (
	DefaultStepLimit = 60 * time.Second
	DefaultLogsLimit = 30 * time.Second
)

// Options says how a lesson is played.
type Options struct {
	Out   io.Writer // where the lesson is shown; nil shows nothing
	Prose bool      // show the text between the commands too
	Color bool      // Out is a terminal that knows colours
	Width int       // columns to which prose is wrapped; 0 is DefaultWidth

	// StepLimit is how long a command, a verb or a wait may take, and
	// LogsLimit how long a line may keep "lab$ logs" waiting. 0 is the default.
	StepLimit, LogsLimit time.Duration

	// Before, if not nil, is called before each command; its error ends the
	// lesson. A teacher's player waits here for the class.
	Before func(context.Context, Step) error
}

func (o Options) withDefaults() Options {
	if o.Out == nil {
		o.Out = io.Discard
	}
	o.Width = cmp.Or(o.Width, DefaultWidth)
	o.StepLimit = cmp.Or(o.StepLimit, DefaultStepLimit)
	o.LogsLimit = cmp.Or(o.LogsLimit, DefaultLogsLimit)
	return o
}

// Result is what was played of a lesson.
type Result struct {
	Steps []Played `json:"steps"` // in the order in which they ended
}

// Played is a command of a lesson as it went.
type Played struct {
	Line    int           `json:"line"`    // of the command in the lesson
	Command string        `json:"command"` // its line there
	Output  string        `json:"output"`  // what it printed
	Exit    int           `json:"exit"`    // its exit status; -1 if the player stopped it
	Took    time.Duration `json:"took"`    // from its start to its end, in nanoseconds
}
