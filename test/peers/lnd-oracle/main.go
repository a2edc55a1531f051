// Command lnd-oracle answers what lnd's own packages make of a channel backup. One JSON request a
// line on stdin, one JSON answer a line on stdout, in the same order. Bytes are hex. The seeds, words
// and keys that it is given are those of tests, and it keeps nothing.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
)

// hexBytes stands in JSON as a string of hex digits.
type hexBytes []byte

func (b hexBytes) MarshalJSON() ([]byte, error) {
	return json.Marshal(hex.EncodeToString(b))
}

func (b *hexBytes) UnmarshalJSON(text []byte) error {
	var digits string
	if err := json.Unmarshal(text, &digits); err != nil {
		return err
	}
	var err error
	*b, err = hex.DecodeString(digits)
	return err
}

var operations = map[string]func(json.RawMessage) (any, error){
	"makeSingles":  operation(makeSingles),
	"readSingles":  operation(readSingles),
	"packSingle":   operation(packSingle),
	"packMulti":    operation(packMulti),
	"unpackSingle": operation(unpackSingle),
	"unpackMulti":  operation(unpackMulti),
	"parseKeys":    operation(parseKeys),
	"deriveKeys":   operation(deriveKeys),
	"makeWords":    operation(makeWords),
	"readWords":    operation(readWords),
	"timeMulti":    operation(timeMulti),
}

func operation[Q, A any](answer func(Q) (A, error)) func(json.RawMessage) (any, error) {
	return func(text json.RawMessage) (any, error) {
		var request Q
		if err := json.Unmarshal(text, &request); err != nil {
			fatal(err)
		}
		return answer(request)
	}
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var request struct {
			Op string `json:"op"`
		}
		if err := json.Unmarshal(line, &request); err != nil {
			fatal(err)
		}
		operate, known := operations[request.Op]
		if !known {
			fatal(fmt.Errorf("no operation %q", request.Op))
		}
		answer, err := operate(line)
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		text, err := json.Marshal(answer)
		if err != nil {
			fatal(err)
		}
		out.Write(append(text, '\n'))
		if err := out.Flush(); err != nil {
			fatal(err)
		}
	}
}

// fatal is for what the tests themselves did wrong; what lnd refuses is an answer.
func fatal(err error) {
	fmt.Fprintln(os.Stderr, "lnd-oracle:", err)
	os.Exit(1)
}
