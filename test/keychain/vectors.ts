/**
 * What lnd v0.21.0-beta's `keychain.BtcWalletKeyRing`, on a real btcwallet v0.16.18 made from each
 * root key, answered to `DeriveKey`; `backupKey` is the sha256 of the key at 7/0. The kinds say
 * which key on the way begins with a zero byte and so has other children than BIP 32 says.
 */
export interface WalletVector {
  readonly kind: "plain" | "short purpose key" | "short coin type key";
  readonly entropy: string;
  readonly root: string;
  readonly coinType: 0 | 1;
  readonly backupKey: string;
  /** By "family/index". */
  readonly keys: Readonly<Record<string, string>>;
}

export const walletVectors: readonly WalletVector[] = [
  {
    kind: "plain",
    entropy: "81b637d86359e6960de795e41e0b4cfd",
    root: "xprv9s21ZrQH143K32s72NGwMHKpvriWu4nK2n9rFmzqKe3sLuFBpG4pMkhDG3QUVzLj5QdS8oJpAscZ9YYsuDKwDZPyuSDdaycVTjEoLi6d6zm",
    coinType: 0,
    backupKey: "64a1678c4b921972a76faedd8728fae36ebb925468263cef450e88389a4070a8",
    keys: {
      "0/0": "026daa37c3ba6d931380c14ccf5bf5cb078583656d6812a045eae599eff72861c8",
      "0/3": "030c7502937f85c76c2204863bb1b45f8cde83423fc3f589f871069c18a953b239",
      "6/0": "024c7005923a074fd38b16ace7be4914ec9f929717692bfb585019be13290c9b1d",
      "7/0": "03f0d84f51338d38d0a55ad4cdde490ec1c4d06e66db30a715c5abea4fb3a6bab1",
    },
  },
  {
    kind: "plain",
    entropy: "81b637d86359e6960de795e41e0b4cfd",
    root: "tprv8ZgxMBicQKsPdr6dgw8SWvwpEz8j8apKNL4y8CRHocYM8VzGodQZsW4fBDa8WMj3SrAD8tvaLECMcQ6d2Rft2cfaS5RwFLLYNpzDnPmX8Nv",
    coinType: 1,
    backupKey: "9cc977ee6f42122e496ec5f49fbad18ae42266aecc94b989ec45fbd4ac956d9b",
    keys: {
      "0/0": "03f6215c230f21a9f54e9b4335d2c7d17ef793b964f76eaf4d1779a7e467d900b4",
      "0/3": "03bcd75932fc6805248f9d3dc0d8654f6370ce231be5ebfafe481ae30a15245422",
      "6/0": "0226594d21c0862a11168ab07cdbc15e7c7af5ee561b741259e311f1614f4df3b7",
      "7/0": "02fb18b1369daad5563767681fe55eb0af9aba7c9d26e3fa697f033a932e789e1f",
    },
  },
  {
    kind: "plain",
    entropy: "00000000000000000000000000000002",
    root: "xprv9s21ZrQH143K3QDon12sqxyzbfxwbrMJA6T4ckH76jQLc4gxBviExTDGiW9uBUaHEtcLgp3FBpQ2dA8cXtR9PfDf9BcCtfqizXDRRDfZqWE",
    coinType: 0,
    backupKey: "2cf30f4d3a22f546ba7eec67192f5e1ce5b4b7e5d786035a57138c737b14021d",
    keys: {
      "0/0": "0240779f4ed66688408ec328aecc107bae5ebdcccee2963a2fece736320fcb3ba9",
      "0/3": "035b35a5921afb1e7263ba953b7c6dbb804a5f4994a4860843fc34fc1616198407",
      "6/0": "021003a509a446f8a968635274b91ee439e3650145adcaa31fac8a0ff47ce8e0ab",
      "7/0": "02e20bd13a6d92842ef575405df3a8d663f9ed8a092c26ff3172d8691f7e2d692c",
    },
  },
  {
    kind: "plain",
    entropy: "00000000000000000000000000000003",
    root: "tprv8ZgxMBicQKsPdsszsMMAQYt5RDLBWbkYoa273XP4SZHLyYKiALYdMoZsQGFHag9H2aQBCuUNmNS5iCgxsA19CUWEuo6qZF6SJbimz4cF2Lf",
    coinType: 1,
    backupKey: "f7e54ee30fdbe114d2ac742a0f136228a60a357c46234cfbf5202c346760f19b",
    keys: {
      "0/0": "032c6057b8eaf59e2d06d1da55665ee330d099210fa9c16aab8ad583b590ece86e",
      "0/3": "02bcbe7bb9e19983a25d83eeb4e7918295b0c94269fc38264b7267b9085c3ca927",
      "6/0": "03de76205c0b975344e4dd3788862649184b82599a3f0f28bc7c1f4583d559e43c",
      "7/0": "02a73f2cca59fff7c102ca7389ea74e69aa7e6a8291d52eb3806e3ba250036e440",
    },
  },
  {
    kind: "short coin type key",
    entropy: "00000000000000000000000000000091",
    root: "tprv8ZgxMBicQKsPdBJjEoDqY38gvqzZsTnRenhWnqBHakdaUAnCyoFjrW4BBvSJRbDjMiWrsTXX7cDwBHoHy5jisoCPzYAffsVBg1DxbobmSFr",
    coinType: 1,
    backupKey: "c16f1c705436a312650fa7463bcb0a35f4bde646527bc1d0b090e0d22b72d5cb",
    keys: {
      "0/0": "02fedcd0c58fb21e3662dc6f13924e2733696fe43caa48d0cd26d15c93648f16d5",
      "0/3": "02b37b1d6aea05697462f18112bf12b5c05c4d3f1f63c32bb47e3b47028969c3f1",
      "6/0": "02b654f52598ce772de45f03771dabcc3f9dc5197cd4784515627abcaee6c2a3e9",
      "7/0": "0397b49487f93a4af4e45e91ceb980ffb0a72fb909795fe8393feeb4fad061183e",
    },
  },
  {
    kind: "short purpose key",
    entropy: "000000000000000000000000000000be",
    root: "xprv9s21ZrQH143K2Nwmj631ZJ3gVJV66ALAMN8eKeDHtzgrgSARjQ9iCQrf1tM98H2KRLCHQ2uPgoF3d8RomkPPSic5rQupPmg2MFXNQxBGsdG",
    coinType: 0,
    backupKey: "c9daa2f37ebfc44d8ce098b4051da7b704e96d6d04e8798cf1deb267246ec9ea",
    keys: {
      "0/0": "038ae56a17f49b136b1eccbb4ee05852a5752338a11d6e0bc6418e0545c60c5831",
      "0/3": "0218335cb51212a576c4a4a2571bce345bc94be2cf6abfb17a58738e09906cdfdc",
      "6/0": "02a7061f4e1cdec6f965cc903f7140a1716485ca2a5af34b2f6f510b908417268c",
      "7/0": "03bb578d59674c4695f78b76e4dc261c78fd66eba7520e178f22fdb4af740da030",
    },
  },
  {
    kind: "short coin type key",
    entropy: "00000000000000000000000000000161",
    root: "tprv8ZgxMBicQKsPfDjf1v19X2aCiHGvHaLf6yXUTfWiudqQJ4Zyu7kphzVmizRiw2E9K3CEc7BPKph6KHG7jUGY5TUns2qnZY46gdhUNBJLnzf",
    coinType: 1,
    backupKey: "2c672da110c285f31482275951b4e4bc13a11c0fe2bc0f03547689ebe56d989d",
    keys: {
      "0/0": "031e93a50407f7400ec3cc8797fad060b34eaea6d3523047c12a4c65452aadaed6",
      "0/3": "022156b0f90470b551a013cc41d060e56c9cb5d7ca6ba99959f97359945f5ccf91",
      "6/0": "03fc96aaeca1e00e016d93c5af242c48c1b60ce280577578f6da677b78a4b56ff7",
      "7/0": "03fa087665719a28a794300ee098b7de39ae0d36621fb2e0d2a1af5808b229e0ed",
    },
  },
  {
    kind: "short purpose key",
    entropy: "00000000000000000000000000000204",
    root: "xprv9s21ZrQH143K3oanqQu6YDDCRoK41kbWN17DMLWefHNa5DWwkauSS64pEUgJXBJknskibpqRdqr9ha31gYRtYN5oS7gfMEach5WB56tmfGu",
    coinType: 0,
    backupKey: "8db046f3411c502c2b41b0cac3d6509be9471560d7026bed492065e0ebc10003",
    keys: {
      "0/0": "03f9b7d07d34db08fd66b5932c9d31c9149c9af94a646d5b249cdf36640df5b729",
      "0/3": "02217c05be973ebfc35c284f29780ab3b2b335cc91480ddf881a8608924d636eca",
      "6/0": "03768199a808cf5596ecfa6d3655e840af4cf5d11a8859d3135c34383cc4b12068",
      "7/0": "03e742101ac78634ea4d2117058e45d96f5944d04de44ee713721deedf1909864b",
    },
  },
  {
    kind: "short purpose key",
    entropy: "00000000000000000000000000000233",
    root: "tprv8ZgxMBicQKsPe9Xtt7WVbxCb7G7CUz54kCDV9o8pxMug8QcWV1hMoQbdXfKKVoViQ2RhMUtrQBLhxEvWEjq6wUHm1F1RpwH8fbvtp2HwQss",
    coinType: 1,
    backupKey: "cc8baec5fb2ce67ea540185c58ee8e839725261b77ca915fc357b4a5160d9095",
    keys: {
      "0/0": "03430019202128a8b0b7c083b7570dd104e4bfb2f3e9c1619415d6f4d99190c4c0",
      "0/3": "037bde5c18b04ec07478be2c5e2094509593a604c8d23853300c46c97894b25c21",
      "6/0": "024310a4898adc65efa398fec67650b4b79824ae3fc8ed4e5d9db67d558427584a",
      "7/0": "0315c71069b4dd208b382997e8e5b3e600c385f4c4823a998101c54a6686c460e3",
    },
  },
  {
    kind: "short purpose key",
    entropy: "00000000000000000000000000000348",
    root: "xprv9s21ZrQH143K2aFHGzwtRRuVToaQHBgRg8a3WrwPtJEWfkKsA9qDVarJnuCWAbiQ3qm1rYdBRx9Tzo8xNiJNLCy3AWyGCNNtmMLV1jGKfjx",
    coinType: 0,
    backupKey: "eb52a0984fb7df0e8268e2af3bf7e67447712debf9dc3fb652c7dd28254962a6",
    keys: {
      "0/0": "0386bc5223e829841e34feb7727ae813553cbfdf7cfe7fdf9c03489ceb4254ff6a",
      "0/3": "0295b6809597dc8ea8598bb22b3d1b4a18f7b059e11023f1e84984314045087e2a",
      "6/0": "027ae476c9ae88e6b138444e1cbb83b041e9e80ed3724e863d3c05080c0b22f479",
      "7/0": "0335220474773865bc7cfbbd5159ed64db8e24e921e47c2f761a40f112f1450124",
    },
  },
];

/**
 * Made with lnd v0.21.0-beta's `aezeed.New` and `ToMnemonic`. (The vectors in lnd's own tests can't be
 * used: they are made with scrypt turned down to N = 16.)
 */
export const aezeedVectors = [
  {
    words:
      "abstract believe crunch arctic visit farm despair scatter glow update horror elbow renew extra heart act nose arch gaze inside roof mansion use antenna",
    passphrase: "",
    internalVersion: 0,
    entropy: "81b637d86359e6960de795e41e0b4cfd",
  },
  {
    words:
      "abstract ghost entry cargo kit latin clip cradle arrange put only ginger noise circle inner volume dawn horn pony captain recipe blush kite flip",
    passphrase: "!very_safe_55345_password*",
    internalVersion: 1,
    entropy: "81b637d86359e6960de795e41e0b4cfd",
  },
  {
    words:
      "abandon camera gorilla brown ethics food hint inquiry oak fruit jump author double arrange flavor spider science blood history bird coral alert dragon midnight",
    passphrase: "päss wörter ⚡",
    internalVersion: 1,
    entropy: "000102030405060708090a0b0c0d0e0f",
  },
] as const;
