package main

import (
	"bytes"
	"errors"
	"math/rand"
	"sort"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/lightningnetwork/lnd/chanbackup"
	"github.com/lightningnetwork/lnd/keychain"
)

// givenKeyRing has one key for everything: only the key at 7/0 is ever asked for.
type givenKeyRing struct{ pubKey *btcec.PublicKey }

func (k givenKeyRing) DeriveKey(keychain.KeyLocator) (keychain.KeyDescriptor, error) {
	return keychain.KeyDescriptor{PubKey: k.pubKey}, nil
}

func (k givenKeyRing) DeriveNextKey(keychain.KeyFamily) (keychain.KeyDescriptor, error) {
	return keychain.KeyDescriptor{}, errors.New("not needed for backups")
}

func keyRingOf(pubKey hexBytes) keychain.KeyRing {
	key, err := btcec.ParsePubKey(pubKey)
	if err != nil {
		fatal(err)
	}
	return givenKeyRing{key}
}

// readSingle is how lnd reads one Single, and what it then writes.
type readSingle struct {
	Error     string      `json:"error,omitempty"`
	LeftBytes int         `json:"leftBytes"`
	Rewritten hexBytes    `json:"rewritten,omitempty"`
	Single    *singleJSON `json:"single,omitempty"`
}

func describeRead(single chanbackup.Single, leftBytes int) readSingle {
	var rewritten bytes.Buffer
	if err := single.Serialize(&rewritten); err != nil {
		return readSingle{Error: "rewriting: " + err.Error()}
	}
	return readSingle{LeftBytes: leftBytes, Rewritten: rewritten.Bytes(), Single: describe(single)}
}

func makeSingles(request struct {
	Seed  int64 `json:"seed"`
	Count int   `json:"count"`
}) ([]readSingle, error) {
	random := rand.New(rand.NewSource(request.Seed))
	made := make([]readSingle, request.Count)
	for at := range made {
		made[at] = describeRead(randomSingle(random), 0)
	}
	return made, nil
}

func readSingles(request struct {
	Singles []hexBytes `json:"singles"`
}) ([]readSingle, error) {
	answers := make([]readSingle, len(request.Singles))
	for at, plaintext := range request.Singles {
		reader := bytes.NewReader(plaintext)
		var single chanbackup.Single
		if err := single.Deserialize(reader); err != nil {
			answers[at] = readSingle{Error: err.Error()}
			continue
		}
		answers[at] = describeRead(single, reader.Len())
	}
	return answers, nil
}

type packRequest struct {
	PubKey  hexBytes   `json:"pubKey"`
	Singles []hexBytes `json:"singles"`
}

func (request packRequest) parsed() []chanbackup.Single {
	singles := make([]chanbackup.Single, len(request.Singles))
	for at, plaintext := range request.Singles {
		if err := singles[at].Deserialize(bytes.NewReader(plaintext)); err != nil {
			fatal(err)
		}
	}
	return singles
}

func packSingle(request packRequest) (map[string]hexBytes, error) {
	var packed bytes.Buffer
	err := request.parsed()[0].PackToWriter(&packed, keyRingOf(request.PubKey))
	return map[string]hexBytes{"packed": packed.Bytes()}, err
}

func packMulti(request packRequest) (map[string]hexBytes, error) {
	var packed bytes.Buffer
	multi := chanbackup.Multi{StaticBackups: request.parsed()}
	err := multi.PackToWriter(&packed, keyRingOf(request.PubKey))
	return map[string]hexBytes{"packed": packed.Bytes()}, err
}

type unpackRequest struct {
	PubKey hexBytes `json:"pubKey"`
	Packed hexBytes `json:"packed"`
	Rounds int      `json:"rounds"`
}

func unpackSingle(request unpackRequest) ([]readSingle, error) {
	var single chanbackup.Single
	reader := bytes.NewReader(request.Packed)
	if err := single.UnpackFromReader(reader, keyRingOf(request.PubKey)); err != nil {
		return nil, err
	}
	return []readSingle{describeRead(single, 0)}, nil
}

func unpackMulti(request unpackRequest) ([]readSingle, error) {
	packed := chanbackup.PackedMulti(request.Packed)
	multi, err := packed.Unpack(keyRingOf(request.PubKey))
	if err != nil {
		return nil, err
	}
	answers := make([]readSingle, len(multi.StaticBackups))
	for at, single := range multi.StaticBackups {
		answers[at] = describeRead(single, 0)
	}
	return answers, nil
}

// timeMulti says how long lnd takes for this Multi: medians, after one round to warm up.
func timeMulti(request unpackRequest) (map[string]float64, error) {
	keyRing := keyRingOf(request.PubKey)
	packed := chanbackup.PackedMulti(request.Packed)
	var multi *chanbackup.Multi
	unpackMs, err := medianMs(request.Rounds, func() (err error) {
		multi, err = packed.Unpack(keyRing)
		return err
	})
	if err != nil {
		return nil, err
	}
	packMs, err := medianMs(request.Rounds, func() error {
		return multi.PackToWriter(new(bytes.Buffer), keyRing)
	})
	return map[string]float64{"packMs": packMs, "unpackMs": unpackMs}, err
}

func medianMs(rounds int, run func() error) (float64, error) {
	var times []float64
	for round := 0; round <= rounds; round++ {
		startedAt := time.Now()
		if err := run(); err != nil {
			return 0, err
		}
		if round > 0 {
			times = append(times, float64(time.Since(startedAt).Nanoseconds())/1e6)
		}
	}
	sort.Float64s(times)
	return times[len(times)/2], nil
}

// parseKeys says which of these lnd takes for public keys.
func parseKeys(request struct {
	Keys []hexBytes `json:"keys"`
}) ([]bool, error) {
	valid := make([]bool, len(request.Keys))
	for at, key := range request.Keys {
		_, err := btcec.ParsePubKey(key)
		valid[at] = err == nil
	}
	return valid, nil
}
