package androidx.activity

import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.ViewModel
import androidx.lifecycle.ViewModelStoreOwner

open class ComponentActivity : android.app.Activity(), LifecycleOwner, ViewModelStoreOwner

inline fun <reified VM : ViewModel> ComponentActivity.viewModels(): Lazy<VM> = throw AssertionError()
