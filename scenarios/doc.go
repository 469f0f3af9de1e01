// Package scenarios is the catalogue of what crosslan teaches: it reads the
// lessons, checks them, plays them on a running lab and sets them for a
// terminal.
//
// # A lesson
//
// A lesson is Markdown for people, scenarios/NAME/lesson.md, and the same in
// Chinese beside it, lesson.zh.md. It opens with its name and its question,
// and a paragraph in italics that says what it teaches:
//
//	# relay: Both of us sit at home: who carries our bytes?
//
//	*relay, observed address, why direct dial fails*
//
// Two kinds of fenced blocks are more than text. A block marked topology is
// the drawing of the scenario's Compose file. A block marked console is
// played, command by command, and every line under a command is compared with
// what the command prints:
//
//	host-a$ client echo 198.18.4.10:50007 "Hello, world"
//	connected  10.4.1.10:… -> 198.18.4.10:50007
//	reply      Hello, world
//
// # Commands
//
// A line that begins with a name and "$ " or "& " is a command.
//
//   - NODE$ ARGV runs in that node and ends before the lesson goes on. There
//     is no shell; quotes and backslashes are read as a shell reads them.
//   - NODE& ARGV starts in that node and goes on beside the lesson. If one of
//     its lines begins with the word ready, the lesson waits for that line.
//     Its lines are compared at "lab$ wait NODE", which waits for its end, or
//     at the lesson's end. What still runs then is stopped as soon as its
//     lines are there; what it prints after them, and its exit status, are
//     not compared.
//   - lab$ VERB ARGS acts on the lab: kill NODE [SIGNAL], restart NODE,
//     pause NODE, unpause NODE, cut NODE NETWORK, join NODE NETWORK.
//   - lab$ logs NODE waits until the lines under it have come in the node's
//     log, in this order. Other lines before and between them are ignored. It
//     reads on from where the lesson's last "lab$ logs NODE" stopped.
//
// # Expected lines
//
//   - … stands for any text within a line, also for none.
//   - N.… s, a time, may be up to three seconds longer: a machine with much to
//     do is late, and never early.
//   - A line of only … stands for any number of lines, also for none.
//   - [exit N] as the last line says that the command ends with status N;
//     without it the command must end with status 0.
//   - White space at the end of a line does not count, nor do empty lines
//     at the end of a command's output.
//   - A line of output that looks like a command is written with … in place
//     of its first character.
package scenarios
