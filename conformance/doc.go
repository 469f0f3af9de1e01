// Package conformance holds the transcripts of the tutorials' services, bytes in and
// bytes out, and plays them to a server at any address: one of ours or a reader's
// own.
//
// Each transcript is played three times: each message sent by a write of its own, all
// messages merged into one write, and every byte by a write of its own. A stream
// keeps no boundaries, so a server must give the same answers each time. Where the
// tutorials' protocol has no rule for messages that arrive merged, the transcript
// says so, and is played twice.
//
//	results, err := conformance.Run(ctx, "10.1.1.10:8009", "menu")
//
// The service file is asked to store the file conformance.txt in the directory that
// it serves.
package conformance
