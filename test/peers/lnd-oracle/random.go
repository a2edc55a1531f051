package main

import (
	"encoding/base32"
	"math/rand"
	"net"
	"strings"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcutil"
	"github.com/btcsuite/btcd/chaincfg/chainhash"
	"github.com/btcsuite/btcd/wire"
	"github.com/lightningnetwork/lnd/chanbackup"
	"github.com/lightningnetwork/lnd/channeldb"
	"github.com/lightningnetwork/lnd/fn/v2"
	"github.com/lightningnetwork/lnd/keychain"
	"github.com/lightningnetwork/lnd/lnwire"
	"github.com/lightningnetwork/lnd/tor"
)

// randomSingle makes a Single of any version with all that lnd's types can hold, so far as lnd can
// read back what it writes.
func randomSingle(random *rand.Rand) chanbackup.Single {
	single := chanbackup.Single{
		Version:         chanbackup.SingleBackupVersion(random.Intn(8)),
		IsInitiator:     random.Intn(2) == 0,
		ChainHash:       randomHash(random),
		FundingOutpoint: randomOutPoint(random, 1<<16),
		ShortChannelID: lnwire.ShortChannelID{
			BlockHeight: random.Uint32() & 0xffffff,
			TxIndex:     random.Uint32() & 0xffffff,
			TxPosition:  uint16(random.Uint32()),
		},
		RemoteNodePub: randomKey(random),
		Addresses:     randomAddresses(random),
		Capacity:      btcutil.Amount(random.Int63n(21e14 + 1)),
		LocalChanCfg:  randomConfig(random, randomLocator),
		RemoteChanCfg: randomConfig(random, randomPubKey),
	}
	single.ShaChainRootDesc = randomLocator(random)
	if random.Intn(4) == 0 {
		single.ShaChainRootDesc.PubKey = randomKey(random)
	}
	if single.Version == chanbackup.ScriptEnforcedLeaseVersion {
		single.LeaseExpiry = random.Uint32()
	}
	if random.Intn(2) == 0 {
		single.CloseTxInputs = fn.Some(chanbackup.CloseTxInputs{
			CommitTx:      randomTx(random),
			CommitSig:     randomBytes(random, random.Intn(74)),
			CommitHeight:  random.Uint64(),
			TapscriptRoot: fn.Some(randomHash(random)),
		})
	}
	return single
}

func randomAddresses(random *rand.Rand) []net.Addr {
	var addresses []net.Addr
	for range random.Intn(5) {
		addresses = append(addresses, randomAddress(random))
	}
	// An opaque address swallows what follows it, so it stands last.
	if random.Intn(4) == 0 {
		payload := randomBytes(random, 1+random.Intn(40))
		payload[0] = byte(6 + random.Intn(250))
		addresses = append(addresses, &lnwire.OpaqueAddrs{Payload: payload})
	}
	return addresses
}

func randomAddress(random *rand.Rand) net.Addr {
	port := random.Intn(1 << 16)
	onion := func(sizeBytes int) *tor.OnionAddr {
		name := base32.StdEncoding.EncodeToString(randomBytes(random, sizeBytes))
		return &tor.OnionAddr{OnionService: strings.ToLower(name) + ".onion", Port: port}
	}
	switch random.Intn(6) {
	case 0:
		return &net.TCPAddr{IP: randomBytes(random, 4), Port: port}
	case 1:
		// Go's form of an IPv4 address in 16 bytes.
		return &net.TCPAddr{IP: net.IP(randomBytes(random, 4)).To16(), Port: port}
	case 2:
		ip := randomBytes(random, 16)
		// Runs of zeros, which RFC 5952 shortens.
		for at := range ip {
			if random.Intn(2) == 0 {
				ip[at&^1], ip[at|1] = 0, 0
			}
		}
		return &net.TCPAddr{IP: ip, Port: port}
	case 3:
		return onion(tor.V2DecodedLen)
	case 4:
		return onion(tor.V3DecodedLen)
	default:
		name := make([]byte, random.Intn(256))
		for at := range name {
			name[at] = byte(random.Intn(128))
		}
		return &lnwire.DNSAddress{Hostname: string(name), Port: uint16(port)}
	}
}

// randomTx makes a transaction with inputs: without, its count would read as the segwit marker.
func randomTx(random *rand.Rand) *wire.MsgTx {
	tx := &wire.MsgTx{Version: int32(random.Uint32()), LockTime: random.Uint32()}
	for range 1 + random.Intn(3) {
		in := &wire.TxIn{
			PreviousOutPoint: randomOutPoint(random, 1<<32),
			SignatureScript:  randomBytes(random, random.Intn(40)),
			Sequence:         random.Uint32(),
		}
		for range max(0, random.Intn(6)-3) {
			in.Witness = append(in.Witness, randomBytes(random, random.Intn(300)))
		}
		tx.AddTxIn(in)
	}
	for range random.Intn(4) {
		script := randomBytes(random, random.Intn(60))
		tx.AddTxOut(&wire.TxOut{Value: int64(random.Uint64()), PkScript: script})
	}
	return tx
}

func randomConfig(random *rand.Rand,
	key func(*rand.Rand) keychain.KeyDescriptor) channeldb.ChannelConfig {

	config := channeldb.ChannelConfig{
		MultiSigKey:         key(random),
		RevocationBasePoint: key(random),
		PaymentBasePoint:    key(random),
		DelayBasePoint:      key(random),
		HtlcBasePoint:       key(random),
	}
	config.CsvDelay = uint16(random.Uint32())
	return config
}

func randomLocator(random *rand.Rand) keychain.KeyDescriptor {
	return keychain.KeyDescriptor{KeyLocator: keychain.KeyLocator{
		Family: keychain.KeyFamily(random.Uint32()),
		Index:  random.Uint32(),
	}}
}

func randomPubKey(random *rand.Rand) keychain.KeyDescriptor {
	return keychain.KeyDescriptor{PubKey: randomKey(random)}
}

func randomKey(random *rand.Rand) *btcec.PublicKey {
	_, key := btcec.PrivKeyFromBytes(randomBytes(random, 32))
	return key
}

func randomOutPoint(random *rand.Rand, indexes int64) wire.OutPoint {
	return wire.OutPoint{Hash: randomHash(random), Index: uint32(random.Int63n(indexes))}
}

func randomHash(random *rand.Rand) chainhash.Hash {
	return chainhash.Hash(randomBytes(random, chainhash.HashSize))
}

func randomBytes(random *rand.Rand, sizeBytes int) []byte {
	bytes := make([]byte, sizeBytes)
	random.Read(bytes)
	return bytes
}
