"""Names of Keras's own that a model file may use.

All that Keras 3.15 saves, but for what runs code that the file chooses; a test
compares them with the installed Keras. A class of a later Keras is added here
once it has been looked at.
"""

# What each may run, opened by a file that was read only to be looked at.
REFUSED = {
    "Lambda": "runs a function that the file chooses",
    "TFSMLayer": "runs a SavedModel from a path that the file chooses",
    "TorchModuleWrapper": "unpickles Python objects",
    "JaxLayer": "runs a function that the file chooses",
    "FlaxLayer": "runs a function that the file chooses",
    "TFOpLambda": "is an operation of Keras 2 that Keras 3 cannot read",
    "SlicingOpLambda": "is an operation of Keras 2 that Keras 3 cannot read",
    "TensorFlowOpLayer": "is an operation of Keras 2 that Keras 3 cannot read",
}

# Operations that do.
CALLING = frozenset(
    """
    AssociativeScan Cond CustomGradient ForiLoop JVP Map Scan Switch
    VectorizedMap WhileLoop
    """.split()
)

MODELS = frozenset(
    """
    Functional Sequential Model
    """.split()
)

LAYERS = frozenset(
    """
    Activation ActivityRegularization AdaptiveAveragePooling1D
    AdaptiveAveragePooling2D AdaptiveAveragePooling3D
    AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AdditiveAttention AlphaDropout Attention AugMix AutoContrast Average
    AveragePooling1D AveragePooling2D AveragePooling3D
    BatchNormalization Bidirectional CategoryEncoding CenterCrop
    Concatenate ContrastLimitedAdaptiveHistogramEqualization Conv1D
    Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose
    ConvLSTM1D ConvLSTM2D ConvLSTM3D ConvLSTMCell Cropping1D Cropping2D
    Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D
    Discretization Dot Dropout ELU EinsumDense Embedding Equalization
    Flatten GRU GRUCell GaussianDropout GaussianNoise
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GroupNormalization GroupQueryAttention GroupedQueryAttention
    HashedCrossing Hashing
    Identity InputLayer IntegerLookup LSTM LSTMCell LayerNormalization
    LeakyReLU Masking MaxNumBoundingBoxes MaxPooling1D MaxPooling2D
    MaxPooling3D Maximum MelSpectrogram Minimum MixUp MultiHeadAttention
    Multiply Normalization PReLU Permute Pipeline RMSNormalization RNN
    RandAugment RandomBrightness RandomColorDegeneration
    RandomColorJitter RandomContrast RandomCrop RandomElasticTransform
    RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale
    RandomHeight RandomHue RandomInvert RandomPerspective
    RandomPosterization RandomRotation RandomSaturation RandomSharpness
    RandomShear RandomTranslation RandomWidth RandomZoom ReLU
    RepeatVector Rescaling Reshape Resizing ReversibleEmbedding
    STFTSpectrogram SeparableConv1D SeparableConv2D SimpleRNN
    SimpleRNNCell Softmax Solarization SpatialDropout1D SpatialDropout2D
    SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup
    Subtract TextVectorization ThresholdedReLU TimeDistributed
    UnitNormalization UpSampling1D UpSampling2D UpSampling3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D
    """.split()
)

OPERATIONS = frozenset(
    """
    Abs Absolute AdaptiveAveragePool AdaptiveMaxPool Add AffineTransform
    All AllClose Amax Amin Angle Any Append Arange Arccos Arccosh Arcsin
    Arcsinh Arctan Arctan2 Arctanh Argmax Argmin Argpartition Argsort
    Array ArraySplit Average AveragePool BatchNorm BinaryCrossentropy
    Bincount BitwiseAnd BitwiseInvert BitwiseLeftShift BitwiseNot
    BitwiseOr BitwiseRightShift BitwiseXor BroadcastTo CDist CTCDecode
    CTCLoss Cast CategoricalCrossentropy Cbrt Ceil Celu Cholesky
    CholeskyInverse Clip Concatenate Conj Conjugate Conv ConvTranspose
    ConvertToTensor Copy Corrcoef Correlate Cos Cosh CountNonzero
    CropImages Cross Cumprod Cumsum Deg2rad DepthToSpace DepthwiseConv
    Det Diag Diagflat Diagonal Diff Digitize Divide DivideNoNan Dot
    DotProductAttention Dsplit Dstack Eig Eigh Einsum ElasticTransform
    Elu EmptyLike Equal Erf Erfc Erfinv Exp Exp2 ExpandDims Expm1
    ExtractPatches ExtractSequences FFT FFT2 Fabs Flip Fliplr Flipud
    Floor FloorDivide Fmax Fmin Fmod Fold Full FullLike GaussianBlur Gcd
    Gelu Geomspace GetItem Glu Greater GreaterEqual HSVToRGB HardShrink
    HardSigmoid HardSilu HardTanh Heaviside Histogram Hsplit Hstack
    Hypot I0 IFFT2 IRFFT ISTFT Imag InTopK Inner Inv IsIn Isclose
    Isfinite Isinf Isnan Isneginf Isposinf Isreal Kron LayerNorm Lcm
    Ldexp LeakyRelu LeftShift Less LessEqual Linspace Log Log10 Log1p
    Log2 LogSigmoid LogSoftmax Logaddexp Logaddexp2 Logdet LogicalAnd
    LogicalNot LogicalOr LogicalXor Logspace Logsumexp Lstsq LuFactor
    MapCoordinates Matmul MatrixRank Max MaxPool Maximum Mean Median
    Meshgrid Min Minimum Mish Mod Moments Moveaxis MultiHot Multiply
    NanToNum Nanargmax Nanargmin Nancumprod Nancumsum Nanmax Nanmean
    Nanmedian Nanmin Nanpercentile Nanprod Nanquantile Nanstd Nansum
    Nanvar Ndim Negative Nextafter Nonzero Norm Normalize NotEqual
    OneHot OnesLike Outer PSNR Pad PadImages Percentile
    PerspectiveTransform Pinv Polar Power Prod Ptp Qr Quantile RFFT
    RGBToGrayscale RGBToHSV RMSNorm Rad2deg Ravel ReLU Real Rearrange
    Reciprocal Relu Relu6 Repeat Reshape Resize RightShift Roll Rot90
    Round Rsqrt SSIM STFT SVD SaturateCast ScaleAndTranslate Scatter
    ScatterUpdate SearchSorted SegmentMax SegmentMin SegmentProd
    SegmentSum Select Selu SeparableConv Sigmoid Sign Signbit Silu Sin
    Sinc Sinh Size Slice SliceUpdate Slogdet SobelEdges SoftShrink
    Softmax Softplus Softsign Solve SolveTriangular Sort SpaceToDepth
    SparseCategoricalCrossentropy SparsePlus SparseSigmoid Sparsemax
    Split Sqrt Square Squareplus Squeeze Stack Std StopGradient Subtract
    Sum Swapaxes Take TakeAlongAxis Tan Tanh TanhShrink Tensordot
    Threshold Tile TopK Trace Transpose Trapezoid Tril Triu TrueDivide
    Trunc Unfold Unique UnravelIndex Unstack Vander Var Vdot View
    ViewAsComplex ViewAsReal Vsplit Vstack Where ZerosLike
    """.split()
)

PARTS = frozenset(
    """
    AUC AWQConfig AWQDTypePolicy AbsMaxQuantizer Accuracy Adadelta
    Adafactor Adagrad Adam AdamW Adamax BinaryAccuracy
    BinaryCrossentropy BinaryFocalCrossentropy BinaryIoU CTC
    CategoricalAccuracy CategoricalCrossentropy
    CategoricalFocalCrossentropy CategoricalGeneralizedCrossEntropy
    CategoricalHinge Circle ConcordanceCorrelation Constant CosineDecay
    CosineDecayRestarts CosineSimilarity DTypePolicy DTypePolicyMap Dice
    ExponentialDecay F1Score FBetaScore FalseNegatives FalsePositives
    Float8QuantizationConfig FloatDTypePolicy Ftrl GPTQConfig
    GPTQDTypePolicy GlorotNormal GlorotUniform HeNormal HeUniform Hinge
    Huber Identity Int4DTypePolicy Int4QuantizationConfig
    Int8QuantizationConfig InverseTimeDecay IoU KLDivergence L1 L1L2 L2
    Lamb LecunNormal LecunUniform Lion LogCosh LogCoshError
    LossFunctionWrapper LossScaleOptimizer MaxNorm Mean
    MeanAbsoluteError MeanAbsolutePercentageError MeanIoU
    MeanMetricWrapper MeanSquaredError MeanSquaredLogarithmicError
    MinMaxNorm Muon Nadam NonNeg OneHotIoU OneHotMeanIoU Ones Orthogonal
    OrthogonalRegularizer PearsonCorrelation PiecewiseConstantDecay
    Poisson PolynomialDecay Precision PrecisionAtRecall
    QuantizedDTypePolicy QuantizedFloat8DTypePolicy R2Score RMSprop
    RandomNormal RandomUniform Recall RecallAtPrecision
    RootMeanSquaredError SGD STFT ScheduleFreeAdamW SeedGenerator
    SensitivityAtSpecificity SparseCategoricalAccuracy
    SparseCategoricalCrossentropy SparseTopKCategoricalAccuracy
    SpecificityAtSensitivity SquaredHinge Sum TopKCategoricalAccuracy
    TrueNegatives TruePositives TruncatedNormal Tversky UnitNorm
    VarianceScaling Zeros
    """.split()
)

FUNCTIONS = frozenset(
    """
    bce binary_accuracy binary_crossentropy binary_focal_crossentropy
    categorical_accuracy categorical_crossentropy
    categorical_focal_crossentropy categorical_generalized_cross_entropy
    categorical_hinge celu circle concordance_correlation
    cosine_similarity ctc dice elu exponential gelu glu hard_shrink
    hard_sigmoid hard_silu hard_swish hard_tanh hinge huber
    kl_divergence kld leaky_relu linear log_cosh log_sigmoid log_softmax
    mae mape mean_absolute_error mean_absolute_percentage_error
    mean_squared_error mean_squared_logarithmic_error mish mse msle
    pearson_correlation poisson relu relu6 selu sigmoid silu soft_shrink
    softmax softplus softsign sparse_categorical_accuracy
    sparse_categorical_crossentropy sparse_plus sparse_sigmoid
    sparse_top_k_categorical_accuracy sparsemax squared_hinge squareplus
    swish tanh tanh_shrink threshold top_k_categorical_accuracy tversky
    """.split()
)

# Classes that networks of `keras.applications` hold under private modules.
PRIVATE = {
    "keras.src.applications.convnext": {"LayerScale", "StochasticDepth"},
    "keras.src.applications.inception_resnet_v2": {"CustomScaleLayer"},
}
